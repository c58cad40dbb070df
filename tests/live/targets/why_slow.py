"""A module whose import lasts until its pipe is fed."""
import common

common.wait("gate")
