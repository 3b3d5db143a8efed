#!/usr/bin/env python3
"""with_postgres.py BIN COMMAND...: run the command beside a PostgreSQL server
of its own, made of Debian's programs in BIN. Exit status: the command's.

The server listens on a free port of 127.0.0.1, with a password, and on a unix
socket in a fresh directory under /tmp, which nobody else may enter. The
command finds it as libpq does, by PGHOST (the socket's directory), PGPORT,
PGUSER, PGPASSWORD and PGDATABASE.

Whatever happens, the server ends and the directory goes. They belong to a
keeper, a process apart from this one and its children, which looks after them
until the pipe from here is closed: by the end of the command, or because this
process was killed. Should the keeper be killed, the kernel ends the server.
"""

import contextlib
import ctypes
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

BIN, COMMAND = sys.argv[1], sys.argv[2:]
USER = "miller"
START_SECONDS, STOP_SECONDS = 60, 20
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "jit": "off",
    "shared_buffers": "16MB",
    "max_connections": "60",
    "dynamic_shared_memory_type": "mmap",
    "restart_after_crash": "on",
}
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


def dies_with_parent(signo):
    """In a child that is about to run another program."""
    LIBC.prctl(PR_SET_PDEATHSIG, signo, 0, 0, 0)


def account():
    """Whom to run as: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise RuntimeError("there is no user to run PostgreSQL as")


class Server:
    """In the keeper."""

    def __init__(self, password):
        self.user = account()
        self.process = None
        self.password = password
        self.dir = tempfile.mkdtemp(prefix="millrace-postgres-", dir="/tmp")
        self.data = os.path.join(self.dir, "data")
        self.log = os.path.join(self.dir, "log")

    def start(self):
        pwfile = os.path.join(self.dir, "password")
        with open(pwfile, "w", encoding="ascii") as f:
            f.write(self.password + "\n")
        if self.user:
            for path in (self.dir, pwfile):
                os.chown(path, self.user.pw_uid, self.user.pw_gid)
        self.begin("initdb", "--pgdata", self.data, "--username", USER,
                   "--pwfile", pwfile, "--auth-local=trust",
                   "--auth-host=scram-sha-256", "--no-sync", "--locale=C",
                   "--encoding=UTF8")
        if self.process.wait() != 0:
            raise RuntimeError("initdb failed")
        # Between here and the server's bind another may take the port.
        for attempt in range(5):
            port = self.listen()
            if port:
                return port
        raise RuntimeError("the server does not start")

    def listen(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        settings = dict(SETTINGS, port=str(port),
                        unix_socket_directories=self.dir)
        self.begin("postgres", "-D", self.data,
                   *(f"--{name}={value}" for name, value in settings.items()))
        until = time.monotonic() + START_SECONDS
        while self.process.poll() is None:
            if self.is_ready():
                return port
            if time.monotonic() > until:
                raise RuntimeError("the server does not become ready")
            time.sleep(0.02)
        return None

    def is_ready(self):
        """The eighth line of its file says what it is up to."""
        with contextlib.suppress(FileNotFoundError, IndexError):
            with open(os.path.join(self.data, "postmaster.pid"),
                      encoding="utf-8") as f:
                return f.read().split("\n")[7].strip() == "ready"
        return False

    def begin(self, program, *args):
        def become():
            if self.user:
                os.setgroups([])
                os.setgid(self.user.pw_gid)
                os.setuid(self.user.pw_uid)
            dies_with_parent(signal.SIGQUIT)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [os.path.join(BIN, program), *args], preexec_fn=become,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=self.dir, env={"PATH": os.defpath, "LC_ALL": "C"})

    def stop(self):
        """At once: nobody wants its data."""
        for signo in (signal.SIGQUIT, signal.SIGKILL):
            if self.process and self.process.poll() is None:
                self.process.send_signal(signo)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(STOP_SECONDS)
        shutil.rmtree(self.dir, ignore_errors=True)

    def said(self):
        with contextlib.suppress(FileNotFoundError):
            with open(self.log, errors="replace", encoding="utf-8") as f:
                return "".join(f.readlines()[-20:])
        return ""


def keep(lives, tells):
    """Until nobody holds the other end of `lives`. The first line told is
    where the server is, or why not; the end of what is told, that it is
    gone."""
    with open(tells, "w", encoding="utf-8") as out:
        password = secrets.token_hex(16)
        server = Server(password)
        try:
            port = server.start()
            print(server.dir, port, password, file=out, flush=True)
            os.read(lives, 1)
        except (OSError, RuntimeError) as e:
            print(f"failed: {e}\n{server.said()}", file=out, flush=True)
        finally:
            server.stop()


def start_keeper():
    """Apart: no child of ours, in no group of ours, with none of our streams,
    which whoever runs us reads to their end."""
    lives, alive = os.pipe()
    told, tells = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        if os.fork() == 0:
            os.close(alive)
            os.close(told)
            null = os.open(os.devnull, os.O_RDWR)
            for fd in range(3):
                os.dup2(null, fd)
            with contextlib.suppress(BrokenPipeError):
                keep(lives, tells)
        os._exit(0)
    os.waitpid(child, 0)
    os.close(lives)
    os.close(tells)
    return alive, open(told, encoding="utf-8")


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    alive, told = start_keeper()
    try:
        first = told.readline().rstrip("\n")
        if not first.startswith("/"):
            print(first, told.read(), sep="\n")
            return 1
        host, port, password = first.split(" ")
        env = dict(os.environ, PGHOST=host, PGPORT=port, PGUSER=USER,
                   PGPASSWORD=password, PGDATABASE="postgres")
        done = subprocess.run(COMMAND, check=False, env=env, preexec_fn=lambda:
                              dies_with_parent(signal.SIGKILL))
        return done.returncode if done.returncode >= 0 \
            else 128 - done.returncode
    finally:
        os.close(alive)
        told.read()


if __name__ == "__main__":
    sys.exit(main())
