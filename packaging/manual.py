#!/usr/bin/env python3
"""Writes the manual page bulkhead(1), in man(7)'s macros, from what the command says of itself:

    bulkhead --experimental-dump-help | packaging/manual.py >bulkhead.1
"""

import json
import sys

HIDDEN = {"help", "bench-engine", "write-files"}


def escaped(text):
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return "\n".join("\\&" + line if line.startswith(".") else line for line in text.split("\n"))


def name_of(argument, name):
    return ("--" if name["kind"] == "long" else "-") + name["name"]


def value_of(argument):
    return "\\fI%s\\fP" % escaped(argument.get("valueName", "value"))


def shown(argument):
    """An argument as it is written on a command line."""
    if argument["kind"] == "positional":
        return value_of(argument) + ("\\~.\\|.\\|." if argument["isRepeating"] else "")
    names = sorted(argument["names"], key=lambda name: name["kind"] == "long")
    words = ", ".join("\\fB%s\\fP" % escaped(name_of(argument, name)) for name in names)
    return words + (" " + value_of(argument) if argument["kind"] == "option" else "")


def commands(command, path):
    """A command and all below it, each with its whole name."""
    own = path + [command["commandName"]]
    yield own, command
    for below in command.get("subcommands", []):
        if below["commandName"] not in HIDDEN and below.get("shouldDisplay", True):
            yield from commands(below, own)


def arguments(command):
    return [
        argument
        for argument in command.get("arguments", [])
        if argument.get("shouldDisplay", True) and argument.get("valueName") not in ("help", "version")
    ]


def print_command(path, command, print):
    print(".SS %s" % escaped(" ".join(path)))
    print(escaped(command.get("abstract", "")))
    if command.get("discussion"):
        print(".PP\n.nf\n%s\n.fi" % escaped(command["discussion"]))
    for argument in arguments(command):
        print(".TP\n%s" % shown(argument))
        print(escaped(argument.get("abstract", "")))
        if argument.get("defaultValue") not in (None, ""):
            print("Default: %s." % escaped(argument["defaultValue"]))


def main():
    root = json.load(sys.stdin)["command"]
    version = sys.argv[1] if len(sys.argv) > 1 else ""
    every = list(commands(root, []))
    print('.\\" Made by packaging/manual.py from the command\'s own help.')
    print('.TH BULKHEAD 1 "" "bulkhead %s" "Bulkhead"' % version)
    print(".SH NAME\nbulkhead \\- run untrusted code safely and fast")
    print(".SH SYNOPSIS")
    print(".B bulkhead\n.I command\n.RI [ options ]")
    print(".SH DESCRIPTION\n%s\n.PP\n.nf\n%s\n.fi" % (escaped(root["abstract"]), escaped(root.get("discussion", ""))))
    print(".SH COMMANDS")
    for path, command in every[1:]:
        print_command(path, command, print)
    print(".SH CONFIGURATION")
    print(
        "Every option of serve, api and worker is also a key of the configuration file and has an environment variable, which\n"
        "its help names. The option holds before the variable, and that before the file.\n"
        ".B bulkhead config show\nsays what holds and who set it."
    )
    print(".SH FILES")
    for file, text in [
        ("/etc/bulkhead/bulkhead.yaml", "The settings; every one is there with its default, as a comment."),
        ("/var/lib/bulkhead", "Images. They can be built again at any time."),
        ("/run/bulkhead", "Where the instances of a host meet."),
        ("/usr/share/bulkhead/policies", "The seccomp policies."),
        ("/usr/share/bulkhead/rootfs", "The recipes of images."),
    ]:
        print(".TP\n.I %s\n%s" % (escaped(file), escaped(text)))
    print(".SH SEE ALSO\n.BR systemctl (1),\n.BR seccomp (2),\n.BR cgroups (7),\n.BR namespaces (7)")


main()
