"""Drives the page of a running service in Chromium, as a person, and as a program or a link that means harm.

    page.py URL                    every check; exit code 1 where one fails
    page.py URL --only share       the checks whose name contains a word
    page.py URL --pictures docs    makes the pictures of the README again instead (best with the fonts Inter and JetBrains Mono)

Whatever a check does, no page may log an error, break its content security policy, or ask another origin for anything.
"""

import argparse
import functools
import base64
import json
import os
import re
import signal
import sys
import time
import traceback
import zlib
from urllib.parse import urlparse

from playwright.sync_api import Page, expect, sync_playwright

expect.set_options(timeout=20_000)
CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


class Browser:
    """Contexts in which everything that a page must not do is noted."""

    def __init__(self, browser, base):
        self.browser = browser
        self.base = base
        self.faults = []
        self.contexts = []
        # For tabs that want nothing of their own; what a tab keeps is the tab's.
        self.usual = self.context()
        self.contexts = []

    def context(self, **options):
        context = self.browser.new_context(accept_downloads=True, **options)
        context.add_init_script(
            "addEventListener('securitypolicyviolation', (e) => console.error('CSP: ' + e.violatedDirective + ' ' + e.blockedURI))"
        )
        self.contexts.append(context)
        return context

    def tab(self, context=None, *, allow=None, before=None, fragment="", wait=True, **options) -> Page:
        """A tab with the page in it. `allow` is a pattern for what its console may say; `before` gets the tab first."""
        page = (context or (self.context(**options) if options else self.usual)).new_page()
        page.set_default_timeout(20_000)
        page.requests = []

        def note_request(request):
            page.requests.append(request)
            if not request.url.startswith((self.base, "data:", "blob:")):
                self.faults.append(f"request to another origin: {request.url}")

        def note_console(message):
            if message.type == "error" and not (allow and re.search(allow, message.text)):
                self.faults.append(f"console: {message.text}")

        page.on("request", note_request)
        page.on("console", note_console)
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (self.faults.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        if before:
            before(page)
        page.goto(self.base + fragment)
        if wait:
            expect(page.locator("#run")).to_be_enabled()
        return page

    def close(self):
        for context in self.contexts:
            context.close()
        for page in self.usual.pages:
            page.close()
        self.contexts = []
        faults, self.faults = self.faults, []
        return faults


def load(page, language, example):
    page.select_option("#language", language)
    page.select_option("#example", example)


def write(page, language, code, mode="fixed"):
    page.select_option("#language", language)
    page.click("#tab-input")
    page.locator(f'input[name="mode"][value="{mode}"]').check(force=True)
    page.fill("#code", code)


def finished(page):
    expect(page.locator("#run")).to_be_visible(timeout=40_000)
    return page.inner_text("#verdict-title")


def run(page):
    page.click("#run")
    return finished(page)


def output(page):
    return page.locator("#output").text_content()


def is_running(page):
    return page.locator("body.running").count() == 1


# What a person does


@check
def every_language(browser):
    """For every language that is offered there is an example, which runs."""
    page = browser.tab()
    languages = page.locator("#language option").evaluate_all("list => list.map(o => o.value)")
    offered = page.evaluate("fetch('api/languages').then(r => r.json())")["languages"]
    assert set(languages) == {language["name"] for language in offered}, languages
    for language in languages:
        load(page, language, "hello")
        title = run(page)
        assert title == "Finished", f"{language}: {title}: {page.inner_text('#verdict')}"
        assert output(page) == "Hello from a container of your own\n", f"{language}: {output(page)!r}"


@check
def output_comes_while_it_runs(browser):
    page = browser.tab()
    load(page, "python", "live")
    page.click("#run")
    expect(page.locator("#output")).to_contain_text("tick 1")
    assert is_running(page) and "tick 5" not in output(page)
    expect(page.locator("#verdict-title")).to_have_text("Running…")
    expect(page.locator("#status")).to_contain_text("Running1")
    finished(page)
    assert output(page) == "".join(f"tick {second}\n" for second in range(1, 6))


@check
def stdin_is_read(browser):
    page = browser.tab()
    load(page, "python", "input")
    page.fill("#stdin", "1 2\n39")
    run(page)
    assert output(page) == "3 numbers, sum 42\n"
    page.click("#tab-more")
    page.fill("#args", "one\ntwo words")
    write(page, "bash", 'printf "%s|" "$@"')
    run(page)
    assert output(page) == "one|two words|", output(page)


@check
def a_conversation(browser):
    page = browser.tab()
    load(page, "python", "talk")
    page.click("#run")
    line = page.locator("#line")
    expect(line).to_be_focused()
    expect(page.locator("#output")).to_contain_text("What is your name?")
    page.keyboard.type("Ada")
    page.keyboard.press("Enter")
    expect(page.locator("#output")).to_contain_text("Hello, Ada. Who else?")
    assert is_running(page)
    line.fill("Grace")
    page.click("#send")
    expect(page.locator("#output")).to_contain_text("Hello, Grace.")
    line.focus()
    page.keyboard.press("Control+d")
    assert finished(page) == "Finished"
    assert output(page).endswith("Goodbye.\n")
    # What was typed is not the program's output.
    page.click("#tab-stdout")
    assert output(page) == "What is your name?\nHello, Ada. Who else?\nHello, Grace. Who else?\nGoodbye.\n", output(page)


@check
def cancelling(browser):
    page = browser.tab()
    write(page, "bash", "echo here; sleep 60")
    for key in [None, "Escape", "Control+."]:
        with page.expect_response(lambda r: r.url.endswith("/api/jobs")) as answer:
            page.click("#run")
        expect(page.locator("#output")).to_contain_text("here")
        # A press right behind the one on Run is a double click, and not meant.
        page.wait_for_timeout(400)
        page.keyboard.press(key) if key else page.click("#cancel")
        assert finished(page) == "Cancelled"
        job = page.evaluate("id => fetch('api/jobs/' + id).then(r => r.json())", answer.value.json()["id"])
        assert job["result"]["status"] == "cancelled", job
    # A tab that is closed takes its job with it.
    with page.expect_response(lambda r: r.url.endswith("/api/jobs")) as answer:
        page.click("#run")
    identifier = answer.value.json()["id"]
    expect(page.locator("#output")).to_contain_text("here")
    other = browser.tab()
    page.close(run_before_unload=False)
    for _ in range(100):
        job = other.evaluate("id => fetch('api/jobs/' + id).then(r => r.json())", identifier)
        if job["state"] == "finished":
            break
        time.sleep(0.05)
    assert job["result"]["status"] == "cancelled", job


@check
def test_cases(browser):
    page = browser.tab()
    load(page, "python", "cases")
    assert run(page) == "2 of 3 cases accepted"
    rows = page.locator("#results-cases summary")
    expect(rows).to_have_count(3)
    assert [text.split("\n")[0] for text in rows.all_inner_texts()] == ["Accepted", "Accepted", "Wrong answer"]
    shown = page.locator("#results-cases details[open]").inner_text()
    assert re.search(r"Expected\s+5\s+Printed\s+4", shown), shown
    # Mended by hand, and one more.
    page.locator(".case textarea").last.fill("4")
    page.click("#case-add")
    page.keyboard.type("large")
    page.locator(".case").last.locator("textarea").first.fill("20 22")
    page.locator(".case").last.locator("textarea").last.fill("42")
    assert run(page) == "4 cases accepted"
    page.get_by_label("Remove case 2").click()
    assert run(page) == "3 cases accepted"


@check
def a_limit_fires(browser):
    page = browser.tab()
    load(page, "python", "memory")
    assert run(page) == "Out of memory"
    words = page.inner_text("#verdict-lines")
    assert re.search(r"more than its 128 MiB of memory.*ended \d.* after its start", words), words
    meter = page.get_by_role("meter", name="Memory")
    assert meter.get_attribute("aria-valuetext") == "128 MiB of 128 MiB"
    row = page.locator(".bar.fired")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("13 % of the server’s 1 GiB")
    # Changed from where it is shown.
    row.get_by_role("button").click()
    field = page.get_by_role("spinbutton", name="Memory")
    expect(field).to_be_focused()
    field.fill("64")
    field.press("Tab")
    assert run(page) == "Out of memory"
    expect(page.locator("#verdict-lines")).to_contain_text("more than its 64 MiB of memory")
    expect(page.locator("#limits-count")).to_have_text("1")
    # More than the server allows: its words, and the field.
    field.fill("5000")
    field.press("Tab")
    expect(field).to_have_attribute("aria-invalid", "true")
    page.click("#limits-reset")
    expect(field).to_have_value("128")
    page.get_by_label("Memory, as a part").press("End")
    expect(field).to_have_value("1024")
    load(page, "c", "cpu")
    assert run(page) == "CPU time used up"
    expect(page.locator("#verdict-lines")).to_contain_text("used up its 500 ms of CPU time")


@check
def refused_system_calls(browser):
    page = browser.tab()
    load(page, "c", "network")
    assert run(page) == "Finished"
    expect(page.locator("#verdict-lines")).to_contain_text("The policy refused 1 system call: socket 1×.")


@check
def other_ends(browser):
    page = browser.tab()
    write(page, "c", "int main(void) { *(volatile int *)0 = 1; }")
    assert run(page) == "Ended by a signal"
    expect(page.locator("#verdict-lines")).to_contain_text("SIGSEGV: it touched memory that it does not have")
    write(page, "bash", "exit 7")
    assert run(page) == "Finished with an error"
    expect(page.locator("#verdict-lines")).to_contain_text("exit code 7")
    write(page, "c", "int main(void) { return x; }")
    assert run(page) == "Does not compile"
    expect(page.locator("#results-compile")).to_contain_text("undeclared")
    expect(page.locator("#results-output")).to_be_hidden()


@check
def sharing(browser):
    marker = "sharedmarker"
    page = browser.tab(permissions=["clipboard-read", "clipboard-write"])
    write(page, "javascript", f"// {marker} ünï 🚢\nprocess.stdin.pipe(process.stdout)")
    page.fill("#stdin", f"{marker} in\n")
    page.click("#share")
    expect(page.locator("#share-dialog")).to_be_visible()
    link = page.input_value("#share-link")
    page.click("#share-copy")
    expect(page.locator("#share-note")).to_have_text("Copied.")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == link, f"{copied!r} {link!r}"
    assert not [r for r in page.requests if r.method != "GET"], "sharing sent something"
    fragment = urlparse(link).fragment
    assert link.startswith(browser.base + "#") and fragment and marker not in link, link

    other = browser.tab(fragment=f"#{fragment}")
    expect(other.locator("#code")).to_have_value(f"// {marker} ünï 🚢\nprocess.stdin.pipe(process.stdout)")
    expect(other.locator("#stdin")).to_have_value(f"{marker} in\n")
    expect(other.locator("#language")).to_have_value("javascript")
    expect(other.locator("#link-note")).to_contain_text("Nothing of it has run yet")
    other.wait_for_timeout(300)
    for request in other.requests:
        assert request.method == "GET" and request.post_data is None, request.url
        assert fragment[:30] not in request.url and fragment[:30] not in json.dumps(request.headers), request.url
    assert other.locator("#verdict").is_hidden(), "a link ran by itself"
    assert run(other) == "Finished" and output(other) == f"{marker} in\n"
    # The program is another now; so is the link.
    other.locator("#code").press("End")
    other.keyboard.type("x")
    assert urlparse(other.url).fragment == ""


@check
def links_that_mean_harm(browser):
    def packed(data):
        deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
        raw = deflate.compress(data) + deflate.flush()
        return "#z1." + base64.urlsafe_b64encode(raw).decode().rstrip("=")

    def link(value):
        return packed(json.dumps(value).encode())

    page = browser.tab(fragment="#z1.broken")
    expect(page.locator("#link-note")).to_have_text("The link holds no program that can be read.")
    for fragment in ["#z1.", "#z1.AAAA", "#j1.%00", packed(b"[1]")[:-4], packed(b"\xff\xfe"), packed(b'{"code": "bomb"}' + b" " * (64 << 20)),
                     "#j1." + base64.urlsafe_b64encode(b"null").decode()[:-1]]:
        page.evaluate("hash => { document.getElementById('link-note').textContent = ''; location.hash = hash; }", fragment)
        expect(page.locator("#link-note")).to_have_text("The link holds no program that can be read.")
    attack = "<img src=x onerror=window.pwned=1>"
    page = browser.tab(fragment=link({
        "language": attack, "code": attack, "stdin": attack, "mode": attack, "compare": attack, "args": [attack, 1, None],
        "cases": [{"name": attack, "stdin": attack, "expectedOutput": attack}, None, 5], "collect": attack,
        "limits": {"memoryBytes": attack, "__proto__": {"polluted": 1}, "wallTimeMs": -1, "cpuTimeMs": 1e308},
        "__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}},
    }))
    expect(page.locator("#link-note")).to_contain_text(f"It is in {attack}, which this server does not offer.")
    expect(page.locator("#code")).to_have_value(attack)
    assert harmless(page)
    assert page.evaluate("({}).polluted") is None
    # The one number that is one: too large, and marked so.
    expect(page.locator("#limits-count")).to_have_text("1")
    expect(page.locator("#limit-cpuTimeMs")).to_have_attribute("aria-invalid", "true")


def harmless(page):
    """Whether nothing of the page became markup."""
    return page.evaluate("""() => window.pwned === undefined
        && document.querySelectorAll('main img:not(.picture), main script, main iframe, main a, main svg, main style, body > script').length === 0
        && !document.querySelector('main [onerror], main [onload], main [style*="url"]')""")


# What a program does


@check
def markup_in_output(browser):
    attacks = ['<img src=x onerror="window.pwned=1">', "<script>window.pwned=1</script>", "<svg onload=window.pwned=1>",
               "</pre><iframe srcdoc='<script>parent.pwned=1</script>'></iframe>", "javascript:window.pwned=1", "${window.pwned=1}"]
    page = browser.tab()
    text = "\n".join(attacks)
    write(page, "python", f"import os, sys\ntext = {text!r}\nprint(text)\nprint(text, file=sys.stderr)\n"
          "os.mkdir('out')\nfor n, a in enumerate(text.split('\\n')):\n"
          "    open('out/' + str(n) + a.replace('/', '_'), 'w').write(a)\n"
          "open('out/\\u202egnp.exe', 'w').write('x')\n")
    page.click("#tab-more")
    page.fill("#collect", "out/*\n<b>missing</b>")
    assert run(page) == "Finished"
    for tab in ["stdout", "stderr"]:
        page.click(f"#tab-{tab}")
        assert output(page) == text + "\n"
    files = page.locator("#results-files").inner_text()
    for attack in attacks:
        assert attack.replace("/", "_") in files, files
    assert "<b>missing</b>" in files and "left out: no such file" in files, files
    assert "⟨U+202E⟩gnp.exe" in files and "\u202e" not in files, files
    with page.expect_download() as download:
        page.get_by_role("button", name="Save out/0").click()
    assert re.fullmatch(r"[\w. -]+", download.value.suggested_filename), download.value.suggested_filename
    assert harmless(page)

    write(page, "python", "print(input())", mode="cases")
    page.get_by_label("Name of case 1").fill(attacks[0])
    page.locator(".case textarea").first.fill(attacks[1])
    page.locator(".case textarea").last.fill(attacks[2])
    assert run(page) == "0 of 1 case accepted"
    shown = page.locator("#results-cases").inner_text()
    assert all(attack in shown for attack in attacks[:3]), shown
    assert harmless(page)
    write(page, "c", f"#error {attacks[0]}")
    run(page)
    expect(page.locator("#results-compile")).to_contain_text(attacks[0])
    assert harmless(page)


@check
def the_policy_holds(browser):
    """Were there a hole, the browser would not run what came through it."""
    page = browser.tab(allow="CSP: |violates the|requires '?TrustedHTML|Trusted")
    page.evaluate("""() => {
        const script = document.createElement('script');
        try { script.textContent = 'window.pwned = 1'; document.body.append(script); } catch {}
        try { document.body.insertAdjacentHTML('beforeend', '<img src=x onerror="window.pwned=1">'); } catch {}
        try { setTimeout('window.pwned = 1', 0); } catch {}
        try { document.body.setAttribute('onclick', 'window.pwned = 1'); } catch {}
    }""")
    page.click("h1")
    page.wait_for_timeout(200)
    assert page.evaluate("window.pwned") is None
    assert page.evaluate("fetch('https://example.com/').then(() => 'sent', () => 'refused')") == "refused"


@check
def control_characters(browser):
    page = browser.tab()
    write(page, "python", r'''
import sys, time
put = lambda text: (sys.stdout.write(text), sys.stdout.flush())
put("\x1b[1;31mred\x1b[0m plain\x1b]0;title\x07\x1b[2J\x1b[10;10H\n")
put("nul \0 bell \a back \b delete \x7f c1 \x9b\n")
put("turn \u202e done \u2066 mark \ufeff\r\n")
put("split \x1b"); time.sleep(0.2); put("[32mgreen\x1b[m\n")
put("a\u0301" + "\u0301" * 200 + "\n")
sys.stdout.buffer.write(b"not utf-8: \xff\n"); put("unfinished \x1b[3")
''')
    run(page)
    lines = output(page).split("\n")
    assert lines[0] == "red plain", lines[0]
    assert lines[1] == "nul ␀ bell ␇ back ␈ delete ␡ c1 ⟨U+009B⟩", lines[1]
    assert lines[2] == "turn ⟨U+202E⟩ done ⟨U+2066⟩ mark ⟨U+FEFF⟩", lines[2]
    assert lines[3] == "split green", lines[3]
    assert lines[5] == "not utf-8: \ufffd" and lines[6] == "unfinished ␛[3", lines[5:]
    expect(page.locator("#output .a-1.a-bold")).to_have_text("red")
    assert page.title() == "Bulkhead"


@check
def more_output_than_anybody_reads(browser):
    page = browser.tab()
    page.click("#tab-limits")
    page.get_by_role("spinbutton", name="Output").fill("8192")
    page.get_by_role("spinbutton", name="Output").press("Tab")
    size = 7 << 20
    write(page, "python", f"import sys\nsys.stdout.write('first' + '<b>\\x1b[31mx' * ({size} // 9) + 'last')")
    assert run(page) == "Finished", page.inner_text("#verdict")
    expect(page.locator("#output .gap")).to_contain_text("characters are not shown")
    expect(page.locator("#output")).to_contain_text("first<b>x")
    shown = output(page)
    assert shown.endswith("last") and len(shown) < 250_000, len(shown)
    assert page.locator("#output *").count() < 10_000
    page.click("#tab-stdout")
    with page.expect_download() as download:
        page.click("#save")
    with open(download.value.path(), "rb") as saved:
        assert saved.read() == b"first" + b"<b>\x1b[31mx" * (size // 9) + b"last"
    # One line without an end, and two streams in turns.
    write(page, "python", "import sys\nfor n in range(4000):\n    sys.stdout.write('o'); sys.stdout.flush(); sys.stderr.write('e')")
    run(page)
    page.click("#tab-stderr")
    assert output(page) == "e" * 4000


@check
def a_picture(browser):
    page = browser.tab()
    write(page, "python", r'''
import struct, zlib
def chunk(kind, data): return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
def png(width, height, rows): return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
open("plot.png", "wb").write(png(8, 8, b"".join(b"\0" + bytes([10, 90, 120] * 8) for _ in range(8))))
open("huge.png", "wb").write(png(60000, 60000, b"\0" * 10))
open("no.png", "w").write("<svg onload=alert(1)>")
''')
    page.click("#tab-more")
    page.fill("#collect", "*.png")
    run(page)
    picture = page.locator("#results-files img")
    expect(picture).to_have_count(1)
    expect(picture).to_have_attribute("alt", "plot.png")
    for _ in range(50):
        if picture.evaluate("image => image.complete"):
            break
        page.wait_for_timeout(20)
    assert picture.evaluate("image => image.naturalWidth") == 8


# What the network does


@check
def a_stream_that_breaks(browser):
    """The first answer ends in the middle: the page comes again with the id of what it has, and shows everything once."""
    asked = []

    def cut(route):
        asked.append(route.request.headers.get("last-event-id"))
        if len(asked) > 1:
            route.continue_()
            return
        answer = route.fetch()
        text = answer.text()
        middle = text.index("tick 3")
        route.fulfill(response=answer, body=text[:text.rindex("\n\n", 0, middle) + 2 + 10])

    page = browser.tab(before=lambda page: page.route("**/events", cut))
    write(page, "python", "import time\nfor n in range(1, 6):\n    print('tick', n); time.sleep(0.05)")
    assert run(page) == "Finished"
    assert output(page) == "".join(f"tick {n}\n" for n in range(1, 6)), output(page)
    assert len(asked) == 2 and asked[0] is None and asked[1], asked


@check
def a_server_that_is_not_there(browser):
    page = browser.tab(allow="Failed to load resource|ERR_")
    load(page, "bash", "hello")
    page.route("**/api/jobs", lambda route: route.abort())
    assert run(page) == "The server is out of reach"
    page.unroute("**/api/jobs")
    assert run(page) == "Finished"


# The workers


def open_workers(page, key="Enter"):
    button = page.locator("#workers-open")
    expect(button).to_be_visible()
    button.focus()
    page.keyboard.press(key)
    expect(button).to_have_attribute("aria-expanded", "true")
    expect(page.locator("#workers")).to_be_visible()


def asked(page, path):
    return [r for r in page.requests if urlparse(r.url).path == path]


def counted(page, path, least):
    """Returns once a path was asked for so often."""
    for _ in range(400):
        if len(asked(page, path)) >= least:
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"{path} was asked for {len(asked(page, path))} times")


@check
def the_workers(browser):
    page = browser.tab()
    button = page.get_by_role("button", name="Workers: 1")
    expect(button).to_be_visible()
    expect(button).to_have_attribute("aria-expanded", "false")
    expect(page.locator("#workers")).to_be_hidden()
    # Asked for less often than what changes faster.
    counted(page, "/readyz", 4)
    assert len(asked(page, "/api/workers")) <= 2, len(asked(page, "/api/workers"))
    open_workers(page)
    shown = page.get_by_role("region", name="The workers now")
    expect(shown.locator("li")).to_have_count(1)
    told = page.evaluate("fetch('api/workers').then(r => r.json())")["workers"][0]
    for language in told["languages"]:
        expect(shown).to_contain_text(f"{language['name']} {language['version']}")
    expect(shown).to_contain_text(told["host"])
    expect(shown).to_contain_text(f"version {told['version']}")
    assert shown.locator("time").get_attribute("datetime") == told["since"]
    expect(shown).to_contain_text(f"0/{told['slots']}")
    write(page, "bash", "sleep 60")
    page.click("#run")
    expect(shown.get_by_role("img", name=f"1 of {told['slots']} slots taken")).to_be_visible()
    page.wait_for_timeout(400)
    page.click("#cancel")
    assert finished(page) == "Cancelled"
    expect(shown).to_contain_text(f"0/{told['slots']}")
    # With the keyboard it is read, and closed again.
    button.focus()
    page.keyboard.press("Space")
    expect(shown).to_be_hidden()
    expect(button).to_have_attribute("aria-expanded", "false")


@check
def workers_that_mean_harm(browser):
    """What they say of themselves is text, and has its bounds."""
    attack = "<img src=x onerror=window.pwned=1>" + "w" * 300
    worker = {"id": attack, "host": attack, "version": attack, "since": attack, "slots": 100_000, "busy": 5_000,
              "languages": [{"name": attack, "version": attack}] * 1_000, "maxima": {}}
    plain = {**worker, "languages": worker["languages"][:2]}
    workers = [worker, {}, None, 7, {"slots": "many", "busy": None, "languages": "all", "since": None}] + [plain] * 200
    page = browser.tab(before=lambda page: page.route("**/api/workers", lambda route: route.fulfill(json={"workers": workers})),
                       viewport={"width": 390, "height": 844})
    open_workers(page)
    expect(page.locator("#workers-count")).to_have_text("205")
    expect(page.locator("#workers li")).to_have_count(100)
    expect(page.locator("#workers")).to_contain_text("and 105 more")
    expect(page.locator("#workers li").first).to_contain_text("940 more")
    assert page.locator("#workers li").first.locator(".slot").count() == 24
    assert page.locator("#workers img").count() == 0 and page.evaluate("window.pwned === undefined")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("#workers").evaluate("e => e.scrollWidth <= e.clientWidth")


@check
def workers_out_of_sight(browser):
    """Nobody can tell them; there are none; and a page that nobody sees asks for nothing."""
    page = browser.tab(allow="503", before=lambda page: page.route(
        "**/api/workers", lambda route: problem(route, 503, "queue_unavailable", "no")))
    open_workers(page)
    expect(page.get_by_role("button", name="Workers: unknown")).to_be_visible()
    expect(page.locator("#workers")).to_have_text("The workers cannot be looked up now.")
    page.unroute("**/api/workers")
    page.route("**/api/workers", lambda route: route.fulfill(json={"workers": []}))
    expect(page.locator("#workers")).to_contain_text("No worker lives")
    expect(page.locator("#workers-count")).to_have_text("0")
    page.evaluate("""() => {
        Object.defineProperty(document, 'hidden', { value: true, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
    }""")
    page.wait_for_timeout(300)
    before = len(page.requests)
    page.wait_for_timeout(2_300)
    assert len(page.requests) == before, [r.url for r in page.requests[before:]]
    page.evaluate("() => { delete document.hidden; document.dispatchEvent(new Event('visibilitychange')); }")
    counted(page, "/readyz", len(asked(page, "/readyz")) + 1)


def with_several_workers(browser, pids):
    """An API apart from its workers: the slots of all, and one that goes."""
    page = browser.tab()
    expect(page.get_by_role("button", name=f"Workers: {len(pids)}")).to_be_visible()
    expect(page.locator("#status")).to_contain_text(re.compile(r"Slots\s*\d+/\d+"))
    open_workers(page, "Space")
    cards = page.locator("#workers li")
    expect(cards).to_have_count(len(pids))
    all_slots = sum(int(text.split("/")[1]) for text in cards.locator(".worker-head .fact-value").all_inner_texts())
    expect(page.locator("#status .fact", has_text="Slots")).to_contain_text(f"/{all_slots}")
    poor = page.evaluate(CONTRAST)
    assert not poor, poor
    phone = browser.tab(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True, device_scale_factor=2)
    phone.tap("#workers-open")
    expect(phone.locator("#workers li")).to_have_count(len(pids))
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    os.kill(pids[0], signal.SIGTERM)
    expect(page.get_by_role("button", name=f"Workers: {len(pids) - 1}")).to_be_visible()
    expect(cards).to_have_count(len(pids) - 1)


# Keys. The keys of the API are not part of this test's service: what it would answer is put in its place HERE, and only here.


def problem(route, status, code, detail, headers=None):
    route.fulfill(status=status, headers={"content-type": "application/problem+json", **(headers or {})}, body=json.dumps(
        {"type": "about:blank", "title": "No", "status": status, "code": code, "detail": detail}))


@check
def a_key(browser):
    words = "<b>This service</b> wants a key."
    key = "bk_secret-123"

    def guard(route):
        given = route.request.headers.get("authorization")
        if given == f"Bearer {key}":
            route.continue_()
        else:
            problem(route, 401, "unauthorized", "No such key." if given else words)

    def before(page):
        for path in ["api/**", "metrics", "readyz"]:
            page.route(browser.base + path, guard)

    page = browser.tab(before=before, wait=False, allow="401")
    expect(page.locator("#key-dialog")).to_be_visible()
    expect(page.locator("#key-detail")).to_have_text(words)
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#key-detail")).to_have_text("No such key.")
    page.fill("#key", "two words")
    page.click("#key-use")
    expect(page.locator("#key-detail")).to_contain_text("one word")
    page.fill("#key", key)
    page.click("#key-use")
    expect(page.locator("#key-dialog")).to_be_hidden()
    expect(page.locator("#run")).to_be_enabled()
    expect(page.locator("#key-set")).to_be_visible()
    expect(page.locator("#status")).to_contain_text("Slots")
    load(page, "bash", "hello")
    assert run(page) == "Finished" and output(page) == "Hello from a container of your own\n"
    # In this tab's storage, and nowhere else.
    assert page.evaluate("JSON.stringify(localStorage) + document.cookie + location.href").count(key) == 0
    assert page.evaluate("JSON.stringify(sessionStorage)").count(key) == 1
    assert page.input_value("#key") == "" and key not in page.content()
    page.reload()
    expect(page.locator("#run")).to_be_enabled()
    for request in page.requests:
        assert key not in request.url
    # Forgotten: the next run asks for one, and goes on with it.
    page.click("#key-open")
    page.click("#key-forget")
    assert page.evaluate("JSON.stringify(sessionStorage)").count(key) == 0
    page.click("#run")
    expect(page.locator("#key-detail")).to_have_text(words)
    page.fill("#key", key)
    page.keyboard.press("Enter")
    assert finished(page) == "Finished"


def with_a_key_of_the_service(browser, key):
    """The service itself asks for keys: its own answers, and a key that may execute and read."""
    page = browser.tab(wait=False, allow="401|403")
    expect(page.locator("#key-detail")).to_contain_text("Send an API key")
    page.keyboard.type("bh_wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#key-detail")).to_have_text("There is no such API key.")
    page.fill("#key", key)
    page.keyboard.press("Enter")
    expect(page.locator("#run")).to_be_enabled()
    load(page, "python", "live")
    page.click("#run")
    expect(page.locator("#output")).to_contain_text("tick 1")
    assert is_running(page)
    assert finished(page) == "Finished" and "tick 5" in output(page)
    # The figures of the whole service are an admin's.
    expect(page.locator("#status")).to_contain_text("Waiting")
    assert "Slots" not in page.inner_text("#status")
    expect(page.locator("#workers-open")).to_be_hidden()


def with_an_admins_key_of_the_service(browser, key):
    page = browser.tab(wait=False, allow="401")
    expect(page.locator("#key-detail")).to_contain_text("Send an API key")
    expect(page.locator("#workers-open")).to_be_hidden()
    page.keyboard.type(key)
    page.keyboard.press("Enter")
    expect(page.locator("#run")).to_be_enabled()
    open_workers(page)
    expect(page.locator("#workers li")).to_have_count(1)
    expect(page.locator("#status")).to_contain_text("Slots")


@check
def what_a_key_may_not(browser):
    page = browser.tab(allow="403|429|400")
    load(page, "bash", "hello")
    for status, title, detail in [(403, "This key may not do that", "This key may not run <i>bash</i>."),
                                  (429, "Too many at once", "The key's jobs are too many.")]:
        page.route("**/api/jobs", lambda route: problem(route, status, "no", detail, {"retry-after": "7"}))
        assert run(page) == title
        expect(page.locator("#verdict-lines")).to_contain_text(detail)
        page.unroute("**/api/jobs")
    expect(page.locator("#verdict-lines")).to_contain_text("Try again in 7 s.")
    # The server's own words for a mistake.
    page.fill("#code", "")
    assert run(page) == "The request has a mistake"
    expect(page.locator("#verdict-lines")).to_contain_text("#/code")
    # What the key may not see is left out, and not asked for again.
    def refuse(page):
        for path in ["metrics", "api/workers"]:
            page.route(browser.base + path, lambda route: problem(route, 403, "no", "no"))

    other = browser.tab(allow="403", before=refuse)
    expect(other.locator("#status")).to_contain_text("Waiting")
    expect(other.locator("#status")).not_to_contain_text("Slots")
    other.wait_for_timeout(2_300)
    expect(other.locator("#workers-open")).to_be_hidden()
    for path in ["/metrics", "/api/workers"]:
        assert len(asked(other, path)) == 1, path


@check
def a_language_of_ones_own(browser):
    def add(route):
        answer = route.fetch()
        body = answer.json()
        body["languages"].append({"name": "cobol<b>", "version": "1", "aliases": [], "fileName": "main.cob", "compiled": True})
        route.fulfill(response=answer, json=body)

    page = browser.tab(allow="400", before=lambda page: page.route("**/api/languages", add))
    page.select_option("#language", "cobol<b>")
    expect(page.locator("#example")).to_be_disabled()
    expect(page.locator("#code")).to_have_value("")
    page.fill("#code", "DISPLAY 'x'.")
    assert run(page) == "The request has a mistake"
    page.select_option("#language", "python")
    expect(page.locator("#code")).to_have_value("DISPLAY 'x'.")
    page.select_option("#example", "hello")
    page.click("#undo")
    expect(page.locator("#code")).to_have_value("DISPLAY 'x'.")
    # What was written is there again after a reload.
    page.wait_for_timeout(500)
    page.reload()
    expect(page.locator("#code")).to_have_value("DISPLAY 'x'.")


# How it looks, and who can use it


@check
def by_keyboard_alone(browser):
    page = browser.tab()
    expect(page.locator("#workers-open")).to_be_visible()
    seen = []
    for _ in range(14):
        page.keyboard.press("Tab")
        name = page.evaluate("document.activeElement.id || document.activeElement.className")
        seen.append(name)
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle !== 'none' || document.activeElement.id === 'code'"), name
        if name == "code":
            break
    assert seen == ["skip", "workers-open", "key-open", "language", "example", "share", "run", "code"], seen
    page.keyboard.press("Control+a")
    page.keyboard.type("if True:")
    page.keyboard.press("Enter")
    page.keyboard.type("print(1)")
    assert page.input_value("#code") == "if True:\n    print(1)"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Home")
    page.keyboard.press("Tab")
    assert page.input_value("#code") == "if True:\n    print(1)"
    page.keyboard.press("Control+Enter")
    assert finished(page) == "Finished" and output(page) == "1\n", page.inner_text("#verdict")
    expect(page.locator("#code")).to_be_focused()
    page.keyboard.press("Control+z")
    assert page.input_value("#code") != "if True:\n    print(1)"
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(page.locator("#tab-input")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tab-limits")).to_be_focused()
    expect(page.locator("#panel-limits")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator("#limit-wallTimeMs")).to_be_focused()


@check
def names_for_everything(browser):
    page = browser.tab()
    load(page, "python", "cases")
    run(page)
    nameless = page.evaluate("""() => [...document.querySelectorAll('button, input, select, textarea, [role=tab], [role=meter], [role=tabpanel]')]
        .filter((e) => !e.ariaLabel && !e.labels?.length && !e.textContent.trim() && !e.getAttribute('aria-labelledby')
            && !(e.closest('label') && e.closest('label').textContent.trim()))
        .map((e) => e.outerHTML)""")
    assert not nameless, nameless
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((e) => e.id)")
    assert len(ids) == len(set(ids)), ids
    expect(page.locator("#announce")).to_contain_text("2 of 3 cases accepted")


# The contrast of what can be read (WCAG 2.2, 1.4.3), for colours on opaque grounds.
CONTRAST = """() => {
    const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    const rgb = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data]; };
    const light = ([r, g, b]) => { const [x, y, z] = [r, g, b].map((v) => { v /= 255; return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; });
        return .2126 * x + .7152 * y + .0722 * z; };
    const poor = [];
    for (const element of document.querySelectorAll('body *')) {
        const text = [...element.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data.trim()).join('');
        if (!text || !element.checkVisibility() || element.closest(':disabled, .hidden, .skip')) continue;
        let ground = element;
        while (ground && rgb(getComputedStyle(ground).backgroundColor)[3] !== 255) ground = ground.parentElement;
        if (!ground || element.matches('#code')) continue;
        const [a, b] = [light(rgb(getComputedStyle(element).color)), light(rgb(getComputedStyle(ground).backgroundColor))];
        const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
        if (ratio < 4.5) poor.push(`${element.className || element.id || element.tagName}: ${text.slice(0, 30)} ${ratio.toFixed(2)}`);
    }
    return poor;
}"""


@check
def light_and_dark(browser):
    grounds = []
    for scheme in ["light", "dark"]:
        page = browser.tab(color_scheme=scheme)
        grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        open_workers(page)
        poor = page.evaluate(CONTRAST)
        page.click("#workers-open")
        for example in ["memory", "cases", "forks"]:
            load(page, "python", example)
            run(page)
            page.mouse.move(0, 0)
            page.wait_for_timeout(200)
            poor += page.evaluate(CONTRAST)
        assert not poor, f"{scheme}: {sorted(set(poor))}"
    assert grounds == ["rgb(243, 246, 247)", "rgb(11, 19, 23)"], grounds


@check
def on_a_phone(browser):
    page = browser.tab(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True, device_scale_factor=2)

    def fits(what):
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 390, f"{what} is {wide} wide"

    fits("the page")
    page.tap("#workers-open")
    expect(page.locator("#workers li")).to_have_count(1)
    fits("the workers")
    page.tap("#workers-open")
    for tab in ["limits", "more", "input"]:
        page.tap(f"#tab-{tab}")
        fits(tab)
    load(page, "javascript", "cases")
    page.tap("#run")
    assert finished(page) == "2 of 3 cases accepted"
    fits("the cases")
    assert page.locator("#verdict").evaluate("e => e.getBoundingClientRect().top < innerHeight / 2"), "the verdict is out of sight"
    write(page, "python", "import sys\nprint('w' * 5000)\nprint('<' * 5000, file=sys.stderr)\nopen('n' * 200, 'w').write('x' * 500)\nimport socket\nsocket.socket()")
    page.tap("#tab-more")
    page.fill("#collect", "n*")
    page.tap("#run")
    finished(page)
    fits("a long line")
    page.tap("#share")
    fits("sharing")
    page.tap("#share-close")
    load(page, "python", "talk")
    page.tap("#run")
    expect(page.locator("#typing")).to_be_visible()
    fits("typing")
    page.wait_for_timeout(400)
    page.tap("#cancel")
    assert finished(page) == "Cancelled"


def pictures(browser, folder):
    page = browser.tab(viewport={"width": 1360, "height": 850}, color_scheme="light", device_scale_factor=1)
    load(page, "python", "forks")
    # Others on this machine would make the times look worse than they are, as the page says itself.
    for _ in range(10):
        run(page)
        if "busy" not in page.inner_text("#verdict-lines"):
            break
    page.mouse.move(0, 0)
    page.wait_for_timeout(2_500)
    page.screenshot(path=f"{folder}/page.png")
    page = browser.tab(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True, device_scale_factor=1.5, color_scheme="dark")
    load(page, "c++", "cases")
    page.tap("#run")
    finished(page)
    page.wait_for_timeout(2_500)
    page.screenshot(path=f"{folder}/page-phone.png")


def given(function, value):
    """A check of a service that is set up for it."""
    return functools.wraps(function)(lambda browser: function(browser, value))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("url")
    parser.add_argument("--only", default="", help="the checks whose name contains this")
    parser.add_argument("--pictures", metavar="FOLDER", help="make the pictures of the README there instead")
    parser.add_argument("--key", help="the service asks for keys, and this is one: check that alone")
    parser.add_argument("--admin-key", help="the same with one that may do everything")
    parser.add_argument("--workers", type=int, nargs="+", metavar="PID", help="the service is an API apart from these workers; the first is ended: check that alone")
    options = parser.parse_args()
    failed = 0
    with sync_playwright() as playwright:
        # Chromium has no sandbox of its own for root. What it opens here is the page alone.
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        browser = Browser(chromium, options.url)
        if options.pictures:
            pictures(browser, options.pictures)
            return 1 if browser.close() else 0
        chosen = [one for one in CHECKS if options.only in one.__name__]
        special = [(with_a_key_of_the_service, options.key), (with_an_admins_key_of_the_service, options.admin_key),
                   (with_several_workers, options.workers)]
        if any(value for _, value in special):
            chosen = [given(one, value) for one, value in special if value]
        for one in chosen:
            start = time.monotonic()
            try:
                one(browser)
                said = ""
            except Exception:
                said = traceback.format_exc()
            faults = browser.close()
            if said or faults:
                failed += 1
            print(f"{'not ok' if said or faults else 'ok'} {one.__name__} ({time.monotonic() - start:.1f} s)")
            print("".join([said, *(f"  {fault}\n" for fault in faults)]), end="", flush=True)
        chromium.close()
    if failed or not chosen:
        print(f"{failed} of {len(chosen)} checks failed")
        return 1
    print(f"{len(chosen)} checks passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
