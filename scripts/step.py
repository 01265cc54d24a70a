"""One step of a set-up or a check: a command that is watched, logged, timed and explained.

Only the standard library: the bootstrap imports this before anything is installed.
"""

import subprocess
import sys
import time

FIRST_SIGN = 2.0  # seconds of silence before a step says that it is still at it ...
NEXT_SIGNS = 10.0  # ... and between later signs

OFFLINE = (
    "name resolution", "enotfound", "econnrefused", "etimedout", "eai_again", "dns error",
    "no matching distribution", "connection refused", "failed to fetch", "newconnectionerror",
    "client error (connect)", "certificate",
)  # fmt: skip


class StepFailed(Exception):
    """A step could not be done; the message says what to do next."""


def say(text):
    """Print to standard error, so that commands which print JSON stay clean."""
    print("setup: " + text, file=sys.stderr, flush=True)


def run(title, command, log, cwd=None, env=None):
    """Run *command* with its output in the file *log*, and show that time passes.

    Raises:
        StepFailed: the command cannot be run, or exits with another code than 0.
    """
    say(title + " ...")
    command = [str(part) for part in command]
    begin = shown = time.monotonic()
    with log.open("ab") as output:
        output.write(f"\n$ {' '.join(command)}\n".encode())
        output.flush()
        start = output.tell()
        try:
            process = subprocess.Popen(
                command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        except OSError as error:
            raise StepFailed(f"{title}: cannot run {command[0]}: {error}") from error
        while process.poll() is None:
            time.sleep(0.1)
            now = time.monotonic()
            if now - shown > (FIRST_SIGN if shown == begin else NEXT_SIGNS):
                say(f"  still at it after {now - begin:.0f} s")
                shown = now
    if process.returncode != 0:
        with log.open("rb") as written:
            written.seek(start)
            text = written.read().decode(errors="replace")
        raise StepFailed(
            f"{title}: expected exit code 0, got {process.returncode}\n{last_lines(text)}\n"
            + (remedy(text) or f"The whole output is in {log}.")
        )
    say(f"  done in {time.monotonic() - begin:.1f} s")


def last_lines(text, count=12):
    """Return the last *count* lines of *text* that say anything, indented."""
    kept = [line for line in text.splitlines() if line.strip()][-count:]
    return "\n".join("    " + line for line in kept)


def remedy(text):
    """Return what to do about a failure that package clients report in their own words."""
    text = text.lower()
    if "no space left" in text:
        return "The disk is full: free 2 GB and run the same command again."
    if any(sign in text for sign in OFFLINE):
        return (
            "The package registry could not be reached. Check the network, or the proxy, mirror "
            "and certificates that pip and npm are configured with, then run the same command "
            "again: finished steps are kept."
        )
    if "hash" in text and "mismatch" in text:
        return "A package differs from the locked one: clear the client's cache and try again."
    return ""
