"""The `orch` of a session: hands its command line to the process that runs the session, and ends as its fork ends.

When that process is gone, killed for example, the session is over: the fork and all of the session's group are ended.

Run as `python -IS messenger.py SOCKET WORDS …`. It must start fast and therefore loads next to nothing: hence the
modules beneath `socket` and `signal`. The other side is `counter`.
"""

import _signal
import _socket
import array
import os
import sys

PASSED_ON = (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP, _signal.SIGQUIT, _signal.SIGUSR1, _signal.SIGUSR2)


def main(address: str, words: list[str]) -> None:
    """Ends the process with the exit code or the signal of the command."""
    line = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    pid = _begun(line, address, words)
    code = None if pid is None else _followed(line, pid)
    if code is None:
        _give_up(pid)
    else:
        _end(code)


def _begun(line: _socket.socket, address: str, words: list[str]) -> int | None:
    """The process of the command, or None if nobody is there."""
    try:
        line.connect(address)
        _order(line, words)
    except OSError:
        return None
    return _number(line)


def _followed(line: _socket.socket, pid: int) -> int | None:
    """How the command ended, minus the number of a signal, or None if it is not known."""
    for number in PASSED_ON:
        if _signal.getsignal(number) != _signal.SIG_IGN:
            _signal.signal(number, lambda received, frame: os.kill(pid, received))
    return _number(line)


def _order(line: _socket.socket, words: list[str]) -> None:
    """Its length, folder, mask of new files, ignored signals, words and environment; the streams are handed over.

    All but the length end with a zero. The line stays open: when it closes, this process is gone.
    """
    mask = os.umask(0)
    os.umask(mask)
    ignored = [b"%d" % number for number in PASSED_ON if _signal.getsignal(number) == _signal.SIG_IGN]
    head = [os.getcwdb(), b"%o" % mask, b" ".join(ignored), b"%d" % len(words)]
    settings = [name + b"=" + value for name, value in os.environb.items()]
    text = b"".join(part + b"\0" for part in (*head, *map(os.fsencode, words), *settings))
    text = len(text).to_bytes(4, "big") + text
    sent = line.sendmsg([text], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))])
    line.sendall(text[sent:])


def _number(line: _socket.socket) -> int | None:
    """What is told on the line, or None if the other side is gone."""
    told = b""
    while len(told) < 4:
        try:
            piece = line.recv(4 - len(told))
        except ConnectionError:
            return None
        if not piece:
            return None
        told += piece
    return int.from_bytes(told, "big", signed=True)


def _give_up(pid: int | None) -> None:
    """End the command, if there is one, and the group of this process, in which the shell of the session is."""
    if pid is not None:
        try:
            os.killpg(pid, _signal.SIGKILL)
        except ProcessLookupError:
            pass  # it has come to its end
    os.killpg(0, _signal.SIGKILL)


def _end(code: int) -> None:
    if code < 0:
        if -code != _signal.SIGKILL:
            _signal.signal(-code, _signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
