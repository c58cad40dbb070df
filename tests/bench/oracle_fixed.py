"""Fixed call chains of a few dozen nanoseconds: the legal stacks, line by line, are known.

Prints `ready`, runs until its input closes. The mean one: frames of equal and of different sizes, a callee that two
chains share, a generator that is resumed and left all the time."""
import sys
import threading


def shared():
    return 1


def equal_a():
    shared()
    return shared()


def equal_b():
    shared()
    return shared()


def small():
    return shared()


def large():
    a = b = c = d = e = f = g = h = i = j = k = 1
    small()
    return a + b + c + d + e + f + g + h + i + j + k


def numbers():
    for n in (1, 2, 3):
        shared()
        yield n


def through_generator():
    for n in numbers():
        small()


def fixed():
    def a3():
        return sum((1, 2, 3))

    def a2():
        return a3() + a3()

    def a1():
        return a2() + 1

    def b5():
        return len("b")

    def b4():
        return b5() + b5()

    def b3():
        return b4()

    def b2():
        return b3() + 1

    def b1():
        return b2() + b2()

    def drive_fixed():
        while True:
            for _ in range(100):
                a1()
                b1()
    drive_fixed()


def mean():
    while True:
        for _ in range(100):
            equal_a()
            equal_b()
            large()
            small()
            through_generator()


if __name__ == "__main__":
    kind = sys.argv[1]
    thread = threading.Thread(target={"fixed": fixed, "mean": mean}[kind], name="driver")
    thread.daemon = True
    thread.start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()
