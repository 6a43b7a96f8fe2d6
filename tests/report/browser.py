"""Chromium without a window, told what to do through its DevTools pipe."""

import base64
import contextlib
import itertools
import json
import os
import select
import shutil
import subprocess
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE = 120  # seconds for an answer, on a busy machine
OPTIONS = (
    "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu",
    "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update",
)  # fmt: skip


def found():
    """Return the browser's program, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextlib.contextmanager
def opened(program, folder):
    """Open a browser with a profile in a folder, and a tab of it."""
    ours, theirs = os.pipe(), os.pipe()

    def hand_over():
        read, write = os.dup(ours[0]), os.dup(theirs[1])  # neither is 3 or 4
        os.dup2(read, 3)
        os.dup2(write, 4)

    process = subprocess.Popen(
        [program, *OPTIONS, f"--user-data-dir={folder}", "about:blank"],
        preexec_fn=hand_over,
        close_fds=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(ours[0])
    os.close(theirs[1])
    try:
        yield Tab(ours[1], theirs[0])
    finally:
        process.kill()
        process.wait()
        os.close(ours[1])
        os.close(theirs[0])


class Tab:
    """A tab that runs scripts and looks as another device would show it."""

    def __init__(self, write, read):
        self.write, self.read, self.left = write, read, b""
        self.numbers, self.session, self.events = itertools.count(1), None, []
        target = self("Target.createTarget", url="about:blank")["targetId"]
        attached = self("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        self("Page.enable")
        self("Runtime.enable")

    def __call__(self, method, **params):
        """Send a command and return what it gives."""
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        sent = json.dumps(message).encode() + b"\0"
        while sent:
            sent = sent[os.write(self.write, sent) :]
        while True:
            answer = self._next()
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]
            self.events.append(answer)

    def _next(self):
        deadline = time.monotonic() + PATIENCE
        while b"\0" not in self.left:
            wait = deadline - time.monotonic()
            assert select.select([self.read], [], [], max(wait, 0))[0], "no answer"
            more = os.read(self.read, 2**20)
            assert more, "the browser has ended"
            self.left += more
        message, _, self.left = self.left.partition(b"\0")
        return json.loads(message)

    def go(self, url):
        """Load a page."""
        self.events.clear()
        self("Page.navigate", url=url)
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            self.events.append(self._next())

    def run(self, script):
        """Return the value of a script's last expression."""
        found = self(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def errors(self):
        """Return what scripts of the page threw."""
        thrown = "Runtime.exceptionThrown"
        return [e["params"] for e in self.events if e.get("method") == thrown]

    def device(self, width, *, scheme="light", media="screen"):
        """Show the page as another device would."""
        self(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=False,
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self("Emulation.setEmulatedMedia", media=media, features=features)

    def press(self, selector):
        """Click on the middle of an element, as a hand would, and type nothing."""
        x, y = self.run(
            f"""(() => {{ const e = document.querySelector({json.dumps(selector)});
            e.scrollIntoView({{block: "center"}}); const r = e.getBoundingClientRect();
            return [r.x + r.width / 2, r.y + r.height / 2] }})()"""
        )
        for kind in ("mousePressed", "mouseReleased"):
            self(
                "Input.dispatchMouseEvent",
                type=kind, x=x, y=y, button="left", clickCount=1,
            )  # fmt: skip

    def pdf(self):
        """Return the page as it is printed."""
        return base64.b64decode(self("Page.printToPDF", printBackground=True)["data"])
