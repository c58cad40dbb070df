"""Asking real shells what they offer to complete a line with."""
import os
import pty
import re
import select
import subprocess
import termios
import time

import gilspy

COMPLETIONS = os.path.join(os.path.dirname(gilspy.PROGRAM), "completions")
PATIENCE_S = 90

BASH = r"""
source "$COMPLETIONS/gilspy"
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
"$(complete -p gilspy | sed 's/.*-F \([^ ]*\) .*/\1/')" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
[ "${#COMPREPLY[@]}" -eq 0 ] || printf '%s\n' "${COMPREPLY[@]}"
"""

# zsh's own functions hand what they offer to compadd, which tells us too; when they only ask it something (-O, -A, -D)
# that is left out. C-T completes the line and says when it is done.
ZSH = r"""
PROMPT= RPROMPT= PS2=
unset zle_bracketed_paste
fpath=($COMPLETIONS $fpath)
autoload -Uz compinit
compinit -D -u
compadd() {
    local -a offered
    if [[ " $* " != *' '-[a-zA-Z]#[OAD]' '* ]]; then
        builtin compadd -O offered "$@"
        print -rl -u $OFFERS -- $offered
    fi
    builtin compadd "$@"
}
offer() {
    zle expand-or-complete
    print -u $OFFERS '<done>'
}
zle -N offer
bindkey '^T' offer
bindkey '^U' kill-whole-line
print -u $OFFERS '<done>'
"""


def environment(home, **more):
    return {"PATH": os.path.dirname(gilspy.PROGRAM) + ":" + os.environ["PATH"], "HOME": str(home), "LC_ALL": "C.UTF-8",
            "TERM": "xterm", "COMPLETIONS": COMPLETIONS, **more}


def run(words, home, cwd=None):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                          timeout=180, env=environment(home), cwd=cwd)
    assert (done.returncode, done.stderr) == (0, ""), (words[-1], done.stderr)
    return done.stdout.splitlines()


class Bash:
    """What bash's completion function answers. In a line of words "=" is one of its own, as bash splits it."""
    def __init__(self, home):
        self.home = home

    def offers(self, line, cwd=None):
        words = line.replace("=", " = ").split(" ")
        return run(["bash", "--norc", "-c", BASH, "bash", *[word for word in words[:-1] if word], words[-1]], self.home, cwd)

    def end(self):
        pass


class Fish:
    """What `complete -C` prints: the word, a tab, what it is."""
    def __init__(self, home):
        self.home = home

    def offers(self, line, cwd=None):
        lines = run(["fish", "--no-config", "-c", "source $COMPLETIONS/gilspy.fish; complete -C $argv[1]", "--", line],
                    self.home, cwd)
        return [re.sub(r"^--[a-z-]+=", "", word) for word in lines]

    def end(self):
        pass


class Terminal:
    """A program in a pseudo-terminal, with a pipe on which it says things apart from the screen."""
    def __init__(self, words, home, cwd=None):
        self.master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (50, 200))
        self.pipe, writer = os.pipe()
        self.screen, self.said = "", b""
        self.process = subprocess.Popen(words, stdin=slave, stdout=slave, stderr=slave, pass_fds=[writer], cwd=cwd,
                                        env=environment(home, OFFERS=str(writer)), start_new_session=True)
        os.close(slave)
        os.close(writer)

    def type(self, text):
        os.write(self.master, text.encode())

    def wait(self, reached, what):
        """Reads what it shows and says, until reached()."""
        deadline = time.monotonic() + PATIENCE_S
        while not reached():
            assert time.monotonic() < deadline, (what, self.screen[-2000:], self.said)
            ready, _, _ = select.select([self.master, self.pipe], [], [], 0.1)
            if self.master in ready:
                self.screen += os.read(self.master, 65536).decode("utf-8", "replace")
            if self.pipe in ready:
                self.said += os.read(self.pipe, 65536)

    def end(self):
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.pipe)


class Zsh(Terminal):
    """An interactive zsh, which is asked one line after the other."""
    def __init__(self, home):
        path = home / "ask.zsh"
        path.write_text(ZSH)
        super().__init__(["zsh", "-f", "-i"], home)
        self.type("source %s\n" % path)
        self.answer()

    def answer(self):
        self.wait(lambda: b"<done>\n" in self.said, "zsh to answer")
        answer, self.said = self.said.decode().split("<done>\n")[0].splitlines(), b""
        return [word for word in answer if word]

    def offers(self, line, cwd=None):
        if cwd:
            self.type("\x15cd %s; print -u $OFFERS '<done>'\n" % cwd)
            self.answer()
        self.type("\x15" + line + "\x14")
        return self.answer()
