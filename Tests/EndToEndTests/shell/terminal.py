"""`bulkhead shell` as somebody at a terminal sees it: types, reads, presses Ctrl-C, changes the window, looks at the terminal after.

Usage: terminal.py BULKHEAD DOCUMENT, whose transcript of a sitting is typed and compared too. Prints a line for each thing, ends with "all held", or with exit code 1.
"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

BULKHEAD = sys.argv[1]
DOCUMENT = sys.argv[2]
PROMPT = "[python sandbox] ~$ "


failures = []


def holds(condition, what, seen=None):
    print(f"ok {what}" if condition else f"NOT ok {what}: {seen!r}", flush=True)
    if not condition:
        failures.append(what)


class Sitting:
    """A process on a fresh terminal, of which this holds both ends."""

    def __init__(self, *arguments, rows=30, columns=100, folder=None):
        self.master, self.slave = pty.openpty()
        self.resize(rows, columns)
        self.before = termios.tcgetattr(self.slave)
        self.seen = ""

        def sit():
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            [BULKHEAD, *arguments], stdin=self.slave, stdout=self.slave, stderr=self.slave, start_new_session=True,
            preexec_fn=sit, cwd=folder, env={**os.environ, "TERM": "xterm", "SECRET": "of the host"})

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.master, text.encode())

    def take(self):
        self.seen += os.read(self.master, 65536).decode(errors="replace")
        # What readline tells the terminal about pasting.
        self.seen = self.seen.replace("\x1b[?2004h", "").replace("\x1b[?2004l\r", "")

    def read(self, until, seconds=20):
        """What comes, up to and with `until`."""
        deadline = time.monotonic() + seconds
        while until not in self.seen:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self.master], [], [], max(0, left))
            if not ready:
                raise AssertionError(f"no {until!r} in {self.seen!r}")
            self.take()
        end = self.seen.index(until) + len(until)
        part, self.seen = self.seen[:end], self.seen[end:]
        return part

    def ask(self, command):
        """What a command prints. The word that ends it is not in the command as it is echoed."""
        self.type(f"{command}; echo en''d=$?\n")
        text = self.read("\r\nend=")
        code = self.read("\r\n").strip()
        lines = text.split("\r\n")
        self.read("sandbox] ")
        return "\n".join(lines[1:-1]), int(code)

    def prompt(self):
        self.read("sandbox] ")

    def end(self, seconds=30):
        """Its exit code and the rest of what it wrote."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < deadline:
            ready, _, _ = select.select([self.master], [], [], 0.05)
            if ready:
                self.take()
        code = self.process.wait(timeout=1)
        while select.select([self.master], [], [], 0.1)[0]:
            self.take()
        return code, self.seen

    def is_restored(self):
        return termios.tcgetattr(self.slave) == self.before

    def close(self):
        os.close(self.master)
        os.close(self.slave)


def session():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "main.py")
        with open(path, "w") as file:
            file.write("print('from the file')\n")
        shell = Sitting("shell", "python", "--file", path, "--file", f"lib/b.py={path}")
        first = shell.read("sandbox] ")
    holds("policy default" in first and "/usr/bin/python3 main.py" in first, "it says what a job runs, and how", first)
    holds("no job control" not in first, "job control", first)
    holds(not shell.is_restored(), "meanwhile the terminal is raw")

    holds(shell.ask("id -u; id -g; pwd") == ("1000\n1000\n/box", 0), "a job's uid, in /box")
    holds(shell.ask("grep -c . /proc/self/uid_map; grep Seccomp: /proc/self/status") == ("1\nSeccomp:\t2", 0),
          "one uid, and the filter")
    holds(shell.ask("python3 main.py; ls lib") == ("from the file\nb.py", 0), "the files are there")
    text, _ = shell.ask("python3 -c 'import socket; socket.socket()' 2>&1 | tail -1")
    holds("not supported" in text, "no network", text)
    text, _ = shell.ask("ulimit -n; ulimit -l")
    holds(text == "256\n64", "a job's limits", text)
    holds(shell.ask("echo $SECRET$TERM") == ("xterm", 0), "of the environment the terminal's name alone")
    text, _ = shell.ask("echo $(ls /proc/self/fd) $(ls /dev)")
    holds(text == "0 1 2 3 fd full null random shm stderr stdin stdout tty urandom zero", "three descriptors, six devices", text)
    holds(shell.ask("test -t 0 && test -t 1 && test -t 2 && true </dev/tty")[1] == 0, "all of them a terminal, /dev/tty too")

    holds(shell.ask("stty size") == ("30 100", 0), "the size of the window")
    shell.resize(41, 123)
    deadline = time.monotonic() + 10
    while (size := shell.ask("stty size")[0]) != "41 123" and time.monotonic() < deadline:
        pass
    holds(size == "41 123", "and its new size", size)

    shell.type("sleep 60\n")
    shell.read("sleep 60\r\n")
    time.sleep(0.5)
    began = time.monotonic()
    shell.type("\x03")
    shell.prompt()
    holds(time.monotonic() - began < 10, "Ctrl-C ends sleep")
    text, _ = shell.ask("echo code=$?")
    holds(text == "code=130", "and not the shell", text)

    shell.type("cat\n")
    shell.read("cat\r\n")
    time.sleep(0.3)
    shell.type("line\n\x1a")
    shell.read("Stopped")
    shell.prompt()
    text, _ = shell.ask("jobs")
    holds("Stopped" in text and "cat" in text, "Ctrl-Z stops a job", text)
    shell.type("fg\n")
    shell.read("cat\r\n")
    time.sleep(0.3)
    shell.type("more\n")
    shell.read("more\r\nmore\r\n")
    shell.type("\x04")
    shell.prompt()
    print("ok fg goes on with it, and Ctrl-D is the end of its input", flush=True)

    shell.type("echo wrongX\x7f\x1b[D\x1b[D\x1b[D\x1b[D\x1b[DZ\x05!\n")
    shell.read("Zwrong!\r\n")
    shell.prompt()
    print("ok line editing", flush=True)

    push = (
        "import fcntl,termios\\nfor path in ('/dev/tty', '/proc/self/fd/0'):\\n"
        " try: fcntl.ioctl(open(path), termios.TIOCSTI, b'x'); print('typed')\\n except OSError as e: print(e.errno)\\n")
    text, _ = shell.ask(f'printf "{push}" > p.py; python3 p.py')
    holds(text == "1\n1", "nobody types into a terminal: EPERM for TIOCSTI", text)

    shell.type("exit 7\n")
    code, rest = shell.end()
    holds(code == 7, "the exit code is passed on", (code, rest))
    holds(shell.is_restored(), "the terminal is as it was")
    holds("nonzero_exit; exit code 7" in rest and "limit that ended it: none" in rest, "the verdict", rest)
    holds("refused system calls: " in rest and "socket 1" in rest and "ioctl" in rest, "what was refused", rest)
    holds("of 128.0 MiB" in rest and "of 600 s" in rest, "what it used of which limits", rest)
    left = fcntl.ioctl(shell.slave, termios.FIONREAD, b"\0\0\0\0")
    holds(left == b"\0\0\0\0", "nothing was typed into the operator's terminal", left)
    shell.close()


def others():
    shell = Sitting("shell", "py", "--timeout", "2s")
    shell.prompt()
    shell.type("sleep 60\n")
    code, rest = shell.end()
    holds(code == 124 and "limit that ended it: wallTimeMs" in rest, "its time is over", (code, rest))
    holds(shell.is_restored(), "after that the terminal is as it was")
    shell.close()

    shell = Sitting("shell", "c", "--compiler")
    first = shell.read("sandbox] ")
    holds("policy compiler" in first, "the compiler's policy", first)
    shell.type("echo 'int main(void) { return 3; }' > main.c && gcc -o main main.c; echo made=$?\n")
    shell.read("made=0")
    shell.prompt()
    print("ok the compiler runs in it", flush=True)
    shell.process.send_signal(signal.SIGTERM)
    code, rest = shell.end()
    holds("cancelled" in rest and code == 125, "SIGTERM ends it", (code, rest))
    holds(shell.is_restored(), "and the terminal is as it was")
    shell.close()

    # A closed window.
    shell = Sitting("shell", "python")
    shell.prompt()
    os.close(shell.slave)
    os.close(shell.master)
    shell.process.wait(timeout=20)
    print("ok the end of the terminal is the end", flush=True)

    # A job that is started from a terminal has none.
    job = Sitting("run", "--image", "default", "--", "/bin/bash", "-c",
                  "readlink /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 | sed 's/:.*//' | sort -u; "
                  "test -t 0 || test -t 1 || test -t 2 || echo no terminal; "
                  "true </dev/tty || echo no controlling one")
    code, rest = job.end()
    holds("pipe\r\nno terminal\r\n" in rest and "no controlling one" in rest, "a job has pipes, and no terminal", rest)
    job.close()

    piped = subprocess.run([BULKHEAD, "shell", "python"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    holds(piped.returncode == 64 and "must be a terminal" in piped.stderr, "without a terminal it refuses", piped)


def plain(language, *options):
    """Policies that let no program set its terminal: the shell does without, and what is run in it still gets the terminal's keys."""
    shell = Sitting("shell", language, *options)
    first = shell.read("sandbox] ")
    policy = "compiler" if options else "compiled"
    holds(f"policy {policy}" in first and "no line editing, no history, no job control" in first,
          f"{language} under {policy}: what does not work is said", first)
    # Under the compiler's policy, which does not even let it ask who is in front, bash says the same once more.
    holds(not shell.is_restored(), "meanwhile the terminal is raw")
    holds(shell.ask("id -u; pwd; echo $((6 * 7)) | cat; test -t 0 && true </dev/tty") == ("1000\n/box\n42", 0), "commands, and a pipe")
    holds(shell.ask("stty size") == ("30 100", 0), "the size of the window")
    shell.resize(41, 123)
    deadline = time.monotonic() + 10
    while (size := shell.ask("stty size")[0]) != "41 123" and time.monotonic() < deadline:
        pass
    holds(size == "41 123", "and its new size", size)

    shell.type("not this\x15echo wrongX\x7f!\n")
    shell.read("\r\nwrong!\r\n")
    shell.prompt()
    print("ok backspace and Ctrl-U, which are the terminal's", flush=True)
    shell.type("echo a\x1b[Db\n")
    shell.read("\r\na\x1b[Db\r\n")
    shell.prompt()
    print("ok an arrow key is what it sends, and no harm", flush=True)

    def read_back():
        shell.type("cat\n")
        shell.read("cat\r\n")
        shell.type("line\n")
        shell.read("line\r\nline\r\n")

    read_back()
    shell.type("\x1a")
    shell.type("more\n")
    shell.read("more\r\nmore\r\n")
    print("ok a program reads the terminal, and Ctrl-Z leaves it running", flush=True)
    shell.type("\x03")
    shell.prompt()
    text, _ = shell.ask("echo code=$?")
    holds(text == "code=130", "Ctrl-C ends it and not the shell", text)
    shell.type("sleep 60\n")
    shell.read("sleep 60\r\n")
    time.sleep(0.5)
    began = time.monotonic()
    shell.type("\x03")
    shell.prompt()
    holds(time.monotonic() - began < 10, "also one that reads nothing")
    shell.type("not sent\x03")
    shell.prompt()
    holds(shell.ask("echo there") == ("there", 0), "Ctrl-C gives up a line")
    read_back()
    shell.type("\x04")
    shell.prompt()
    shell.type("exit 7\n")
    code, rest = shell.end()
    holds(code == 7 and shell.is_restored(), "its exit code, and the terminal as it was", (code, rest))
    shell.close()


def documented():
    """The transcript of the document: what it types prints what stands there, but for versions and what was used."""
    def usual(text):
        return re.sub(r"\d+(\.\d+)+|processes \d+", "N", text)

    with open(DOCUMENT) as file:
        blocks = re.findall(r"^```\n(\$ sudo bulkhead shell python .*?)^```$", file.read(), re.M | re.S)
    holds(len(blocks) == 1, "the document has one sitting", blocks)
    lines = blocks[0].splitlines()
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "main.py"), "w") as file:
            file.write("print('from the file')\n")
        shell = Sitting(*lines[0].removeprefix("$ sudo bulkhead ").split(), folder=folder)
        seen = shell.read(PROMPT)
    for line in lines[1:]:
        if line.startswith(PROMPT):
            command = line.removeprefix(PROMPT)
            shell.type(command + "\n")
            if not command.startswith("exit"):
                seen += shell.read(PROMPT)
    code, rest = shell.end()
    shell.close()
    # The shell's own farewell is no part of it.
    seen = [line for line in (seen + rest).replace("\r", "").splitlines() if line not in ("", "exit")]
    holds(code == 7 and [usual(line) for line in seen] == [usual(line) for line in lines[1:]],
          "the document's sitting goes as it stands there", (code, seen, lines[1:]))


session()
others()
plain("c")
plain("c", "--compiler")
documented()
if failures:
    sys.exit(1)
print("all held")
