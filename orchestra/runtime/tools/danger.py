"""Files that no agent touches and commands that none runs, whatever a script grants: lists kept as data.

Tool calls of models are always held to them, what a script itself does only under a policy.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

__all__ = ["VERSION", "forbidden_command", "forbidden_read", "forbidden_write", "listed"]

VERSION = 1  # raised whenever something is added to or taken from the lists below

# Credentials: neither read nor written.
CREDENTIALS = (
    "**/.ssh/**",
    "**/.aws/**",
    "**/.gnupg/**",
    "**/.kube/config",
    "**/.docker/config.json",
    "**/.config/gcloud/**",
    "**/.config/gh/hosts.yml",
    "**/.netrc",
    "**/.pgpass",
    "**/.npmrc",
    "**/.pypirc",
    "**/.git-credentials",
    "**/.env",
    "**/.env.*",
    "**/.envrc",
    "**/*.pem",
    "**/*.key",
    "**/*.p12",
    "**/*.pfx",
    "**/id_{rsa,dsa,ecdsa,ed25519}",
    "**/.claude/.credentials.json",
    "**/.codex/auth.json",
    "**/.anthropic/**",
)

# Patterns of examples, which hold no secret although their names look like it.
HARMLESS = ("**/.env.{example,sample,template,dist}",)

# Settings of agents, of version control and of orch itself: they decide what may be done next.
SETTINGS = (
    "**/.git/**",
    "**/.git",
    "**/.orch/**",
    "**/.orch",
    "**/.claude/**",
    "**/.codex/**",
    "**/.cursor/**",
    "**/.mcp.json",
    "**/orch.toml",
    "**/mlld-config.json",
)

# Program → why it is refused.
PROGRAMS = {
    **dict.fromkeys(("sudo", "su", "doas", "chmod", "chown", "chgrp"), "it changes who may do what"),
    **dict.fromkeys(("dd", "mkfs", "fdisk", "parted", "mount", "umount", "shred"), "it works on whole disks"),
    **dict.fromkeys(("kill", "killall", "pkill", "shutdown", "reboot"), "it ends other programs"),
    **dict.fromkeys(("scp", "rsync", "nc", "ncat", "netcat", "sftp"), "it sends files away"),
    **dict.fromkeys(("op", "pass", "bw", "security", "secret-tool"), "it gives out passwords"),
}

# Words that must all occur, each as one of several spellings → why the command is refused.
COMBINATIONS: tuple[tuple[tuple[tuple[str, ...], ...], str], ...] = (
    (
        (("git",), ("push",), ("-f", "--force", "--force-with-lease", "--mirror")),
        "it overwrites others' work",
    ),
    ((("git",), ("remote",), ("add", "set-url")), "it sends work to another place"),
    ((("curl",), ("-T", "--upload-file")), "it sends files away"),
    ((("wget",), ("--post-file",)), "it sends files away"),
    ((("claude",), ("--dangerously-skip-permissions",)), "it switches off another agent's safety"),
    ((("codex",), ("--dangerously-bypass-approvals-and-sandbox",)), "it switches off another agent's safety"),
)


def listed() -> list[tuple[str, str]]:
    """All of it as patterns of a policy, each with the reason."""
    files = [(f"fs:r:{pattern}", "credentials") for pattern in CREDENTIALS]
    files += [(f"fs:w:{pattern}", "settings that decide what may be done next") for pattern in SETTINGS]
    programs = [(f"cmd:{program}", why) for program, why in PROGRAMS.items()]
    combined = [(":".join(["cmd", *("|".join(word) for word in words)]), why) for words, why in COMBINATIONS]
    return [*files, *programs, ("cmd:rm:-rf", "it deletes whole folders"), *combined]


def forbidden_command(words: Sequence[str]) -> str | None:
    """Why a simple command is never run for a model, or None. `words` are without quotes."""
    if not words:
        return None
    program, rest = os.path.basename(words[0]), words[1:]
    if program in PROGRAMS or program.startswith("mkfs."):
        return PROGRAMS.get(program, PROGRAMS["mkfs"])
    if program == "rm" and {"r", "f"} <= _short_flags(rest):
        return "it deletes whole folders"
    heads = {word.partition("=")[0] for word in rest}
    if program == "git" and "push" in heads and any(word.startswith("+") for word in rest):
        return "it overwrites others' work"
    for (first, *others), why in COMBINATIONS:
        if program in first and all(heads & set(spellings) for spellings in others):
            return why
    return None


def _short_flags(words: Sequence[str]) -> set[str]:
    """The letters of the options of `rm`, long and capital ones included."""
    long = {"--recursive": "r", "--force": "f"}
    letters = {long[word] for word in words if word in long}
    for word in words:
        if word.startswith("-") and not word.startswith("--"):
            letters |= set(word[1:].lower())
    return letters


def forbidden_read(path: Path) -> bool:
    """Whether an absolute, resolved path names credentials."""
    name = _folded_path(path)
    return KEPT_FROM_READING.fullmatch(name) is not None and HARMLESS_NAMES.fullmatch(name) is None


def forbidden_write(path: Path) -> bool:
    """Whether an absolute, resolved path names credentials or settings."""
    return forbidden_read(path) or KEPT_FROM_WRITING.fullmatch(_folded_path(path)) is not None


def _folded_path(path: Path) -> str:
    text = path.as_posix().lstrip("/")
    if text.isascii() and ODD_END.search(text) is None:  # of nearly every file; searches look at all of them
        return text.lower().replace("git~1", ".git")
    return "/".join(map(_folded, text.split("/")))


def _folded(name: str) -> str:
    """A name as the most forgiving file systems see it: `.GIT`, `.git.`, `.gi\u200ct` and `git~1` are `.git` there."""
    seen = "".join(char for char in unicodedata.normalize("NFKC", name) if unicodedata.category(char) != "Cf")
    seen = seen.casefold().rstrip(". ") or name
    return ".git" if seen == "git~1" else seen


def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """One expression for patterns that begin with `**/`: many files are compared with all of them."""
    return re.compile("|".join(map(_expression, patterns)), re.DOTALL)


def _expression(pattern: str) -> str:
    text = re.escape(pattern.removeprefix("**/"))
    text = re.sub(r"\\\{(.*?)\\\}", lambda choices: f"(?:{choices[1].replace(',', '|')})", text)
    return "(?:.*/)?" + re.sub(r"/\\\*\\\*$", "/.+", text).replace(r"\*", "[^/]*")


KEPT_FROM_READING = _any_of(CREDENTIALS)
KEPT_FROM_WRITING = _any_of(SETTINGS)
HARMLESS_NAMES = _any_of(HARMLESS)
ODD_END = re.compile(r"[. ](?:/|\Z)")
