"""A thread, caller, in methods of all kinds, each of which calls the next."""
import common


class Base(object):
    def run(self):
        return self.step()

    @classmethod
    def make(cls):
        return cls().run()

    @property
    def value(self):
        return common.wait("hold")


class Mixin(object):
    def step(self):
        return self.value


class Derived(Mixin, Base):
    def run(self):
        return super(Derived, self).run()

    def __call__(self):
        return lambda: self.make()  # self is in a cell


class Meta(type):
    def meta(cls):
        return cls()()()


def wrapped(function):
    def run(self):
        return function(self)
    return run


class Wraps(object):
    own = Meta("Odd", (Derived,), {})

    @wrapped
    def run(self):
        return self.own.meta()


def no_method(self):
    return self.run()


common.start("caller", no_method, Wraps())
common.serve()
