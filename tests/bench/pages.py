"""What large reports cost: to make, to keep, to open in a browser."""
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "web"))
OPENED = """return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() / 1000))))"""
ROUNDS = 5


def make(tool, path, *words):
    print("  " + subprocess.run([tool, path, *map(str, words)], check=True, stdout=subprocess.PIPE).stdout.decode().strip())


def opened(path):
    """Seconds until the page is drawn, of some tries; None where there is no browser."""
    try:
        import browser
        driver = browser.start()
    except BaseException as error:  # pytest, which skips by raising, may not be there either
        print("  not opened: %s" % error)
        return None
    seconds = []
    for _ in range(ROUNDS):
        driver.get("about:blank")
        driver.get("file://" + path)
        seconds.append(driver.execute_script(OPENED))
    driver.quit()
    return sorted(seconds)


def measure(tool, quick):
    samples = 36000 if quick else 360000
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "report.html")
        print("html: %d samples of 50 threads at 100 Hz" % samples)
        make(tool, path, samples, 50)
        seconds = opened(path)
        if seconds:
            print("  drawn in Chromium after %.2f s (%.2f-%.2f)" % (seconds[len(seconds) // 2], seconds[0], seconds[-1]))
        print("svg, mode blame: 200 threads with 3,000 stacks")
        make(tool, path, samples // 4, 200, "svg", "blame", 3000)
