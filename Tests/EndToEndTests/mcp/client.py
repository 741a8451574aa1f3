"""What MCP's official SDK for Python sees of `bulkhead mcp`, started as a client's configuration says.

Usage: client.py CONFIGURATION NAME [without-reading]
CONFIGURATION is a JSON file with `mcpServers`, NAME one of them; it must run one program at a time. Prints a line for each thing
that holds; the first that does not ends it with an exception. With `without-reading` a single call, by a key that may run programs
and not look at jobs.
"""

import base64
import json
import subprocess
import sys
import time

import anyio
from mcp import StdioServerParameters
from mcp.client.client import Client
from mcp.shared.exceptions import MCPError


def holds(condition, what, seen=None):
    if not condition:
        raise AssertionError(f"{what}: {seen!r}")
    print(f"ok {what}", flush=True)


def text_of(result):
    return "\n".join(block.text for block in result.content if block.type == "text")


async def converse(server, mode, revision):
    async with Client(server, mode=mode, read_timeout_seconds=60) as client:
        holds(client.protocol_version == revision, f"{mode}: revision {revision}", client.protocol_version)
        holds(client.server_info and client.server_info.name == "bulkhead", f"{mode}: the server says its name")

        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        holds(set(tools) == {"execute_code", "list_languages"}, f"{mode}: two tools", set(tools))
        properties = tools["execute_code"].input_schema["properties"]
        holds("python" in properties["language"]["enum"], f"{mode}: the schema has the languages that are there")
        holds(properties["limits"]["properties"]["wallTimeMs"]["maximum"] == 60_000, f"{mode}: and the maxima")

        languages = await client.call_tool("list_languages", {})
        names = {language["name"] for language in languages.structured_content["languages"]}
        holds({"python", "javascript", "c", "c++", "bash"} <= names, f"{mode}: list_languages", names)

        # The SDK holds each structured result to the tool's own schema.
        result = await client.call_tool(
            "execute_code", {"language": "python", "code": "print(6 * int(input()))", "stdin": "7"})
        holds(not result.is_error and result.structured_content["stdout"] == "42\n", f"{mode}: a program with input")
        holds(text_of(result).startswith("status: ok."), f"{mode}: and in words", text_of(result))

        result = await client.call_tool(
            "execute_code",
            {
                "language": "bash",
                "code": "cat data/a; echo $1; echo error >&2; exit 3",
                "files": [{"path": "data/a", "content": "from a file\n"}],
                "args": ["argument"],
            })
        structured = result.structured_content
        holds(
            (structured["status"], structured["exitCode"], structured["stdout"], structured["stderr"], result.is_error)
            == ("nonzero_exit", 3, "from a file\nargument\n", "error\n", False),
            f"{mode}: a program that fails is a result, with files, arguments and both streams", structured)

        result = await client.call_tool(
            "execute_code", {"language": "python", "code": "while True: pass", "limits": {"wallTimeMs": 300}})
        structured = result.structured_content
        holds(
            structured["firedLimit"] == "wallTimeMs" and "limits.wallTimeMs" in text_of(result) and not result.is_error,
            f"{mode}: the limit that fired, in words", text_of(result))

        result = await client.call_tool("execute_code", {"language": "c", "code": "int main(void) { return x; }"})
        holds(
            result.structured_content["status"] == "compile_error" and "undeclared" in text_of(result),
            f"{mode}: what the compiler says", text_of(result))

        result = await client.call_tool(
            "execute_code",
            {"language": "python", "code": "import socket\ntry: socket.socket()\nexcept OSError as e: print(e)"})
        holds("refused: socket (1 times)" in text_of(result), f"{mode}: what was refused", text_of(result))

        picture = b"\x89PNG\r\n\x1a\n" + bytes(range(200))
        result = await client.call_tool(
            "execute_code",
            {
                "language": "python",
                "code": f"open('p.png', 'wb').write({picture!r}); open('t.txt', 'w').write('text')",
                "collect": ["*.png", "*.txt"],
            })
        pictures = [block for block in result.content if block.type == "image"]
        holds(
            len(pictures) == 1 and base64.b64decode(pictures[0].data) == picture
            and pictures[0].mime_type == "image/png", f"{mode}: a picture comes back as one")
        holds("file t.txt (4 bytes):\ntext" in text_of(result), f"{mode}: a text file as text", text_of(result))

        result = await client.call_tool("execute_code", {"language": "python", "code": "print('x' * 900000)"})
        structured = result.structured_content
        holds(
            structured["stdoutBytes"] == 900_001 and structured["shortened"] and len(text_of(result)) < 40_000,
            f"{mode}: long output is bounded", len(text_of(result)))

        result = await client.call_tool(
            "execute_code",
            {"language": "cobol", "code": "1", "limits": {"memoryBytes": 1 << 40, "cpus": 0}, "color": "red"})
        holds(result.is_error and "color: there is no such field" in text_of(result), f"{mode}: an unknown field")
        result = await client.call_tool(
            "execute_code", {"language": "cobol", "code": "1", "limits": {"memoryBytes": 1 << 40, "cpus": 0}})
        words = text_of(result)
        holds(
            result.is_error and "language: must be one of" in words and "limits/memoryBytes: must be" in words
            and "limits/cpus: must be" in words, f"{mode}: a refused request has all its reasons", words)

        try:
            await client.call_tool("rm", {})
            raise AssertionError("an unknown tool was called")
        except MCPError as error:
            holds(error.error.code == -32602, f"{mode}: an unknown tool is a protocol error", error.error)

        # One program runs at a time: four calls at once take turns, and all are answered.
        outputs = {}

        async def one(number):
            answer = await client.call_tool("execute_code", {"language": "bash", "code": f"sleep 0.1; echo {number}"})
            outputs[number] = answer.structured_content["stdout"]

        async with anyio.create_task_group() as group:
            for number in range(4):
                group.start_soon(one, number)
        holds(outputs == {n: f"{n}\n" for n in range(4)}, f"{mode}: calls at once", outputs)

        # What a program prints is told while it runs: the newest lines, bounded, and not more often than four times a second.
        told = []
        began = time.monotonic()
        loud = "for i in 1 2 3; do echo line $i; sleep 0.4; done; seq 100000; echo last; sleep 50"
        with anyio.CancelScope() as scope:

            async def progress(progress, total, message):
                told.append(message)
                if message.endswith("last\n"):
                    scope.cancel()

            with anyio.fail_after(40):
                await client.call_tool(
                    "execute_code", {"language": "bash", "code": loud, "limits": {"wallTimeMs": 60_000}},
                    progress_callback=progress)
        lines = "".join(told).splitlines()
        places = [lines.index(line) for line in ("line 1", "line 2", "line 3", "100000", "last")]
        holds(places == sorted(places), f"{mode}: progress has what the program prints, in its order", told)
        holds(
            max(map(len, told)) <= 1_100 and len(told) <= (time.monotonic() - began) / 0.25 + 1,
            f"{mode}: progress is bounded", told)
        # It has the only place: if it had not ended, the next would wait for it.
        result = await client.call_tool("execute_code", {"language": "bash", "code": "echo next"})
        holds(
            result.structured_content["stdout"] == "next\n" and time.monotonic() - began < 40,
            f"{mode}: a cancelled call ends its program")
        began = time.monotonic()
        with anyio.move_on_after(1):
            await client.call_tool(
                "execute_code", {"language": "bash", "code": "sleep 50", "limits": {"wallTimeMs": 60_000}})
        result = await client.call_tool("execute_code", {"language": "bash", "code": "echo next"})
        holds(
            result.structured_content["stdout"] == "next\n" and time.monotonic() - began < 30,
            f"{mode}: so does one without progress")


def call_by_hand(command, code):
    """Without the SDK: a server that has been asked to run a program, and to tell of it."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def send(message):
        process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        process.stdin.flush()

    send({
        "id": 1, "method": "initialize",
        "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
    })
    first = json.loads(process.stdout.readline())
    holds(first["result"]["protocolVersion"] == "2025-06-18", "by hand: the handshake")
    send({
        "id": 2, "method": "tools/call",
        "params": {
            "name": "execute_code",
            "arguments": {"language": "bash", "code": code, "limits": {"wallTimeMs": 60000}},
            "_meta": {"progressToken": 1},
        },
    })
    return process


def without_reading(command):
    """With a key that may not look at jobs there is a result, and nothing else."""
    process = call_by_hand(command, "echo done")
    answer = json.loads(process.stdout.readline())
    while "id" not in answer:
        answer = json.loads(process.stdout.readline())
    holds(answer["result"]["structuredContent"]["stdout"] == "done\n", "by hand: a result", answer)
    process.stdin.close()
    holds(process.wait(timeout=20) == 0, "by hand: the end")


def hang_up(command):
    """The input ends while a program runs."""
    process = call_by_hand(command, "echo up; sleep 50")
    message = ""
    while "up" not in message:
        told = json.loads(process.stdout.readline())
        message = told["params"]["message"]
    holds(told["method"] == "notifications/progress", "by hand: the program runs", told)
    began = time.monotonic()
    process.stdin.close()
    rest = process.stdout.read()
    code = process.wait(timeout=20)
    holds(code == 0 and rest == b"", "by hand: the end of the input is the end, with exit code 0", (code, rest))
    holds(time.monotonic() - began < 10, "by hand: and soon", time.monotonic() - began)


def main():
    with open(sys.argv[1]) as file:
        entry = json.load(file)["mcpServers"][sys.argv[2]]
    # The SDK hands on a few variables only; what this test was given is what makes the binary run here.
    import os

    environment = {**os.environ, **entry.get("env", {})}
    server = StdioServerParameters(command=entry["command"], args=entry["args"], env=environment)
    if sys.argv[3:] == ["without-reading"]:
        return without_reading([entry["command"], *entry["args"]])
    anyio.run(converse, server, "legacy", "2025-11-25")
    anyio.run(converse, server, "auto", "2026-07-28")
    hang_up([entry["command"], *entry["args"]])


main()
