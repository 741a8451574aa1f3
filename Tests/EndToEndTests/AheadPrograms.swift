extension EndToEnd.AheadTests {
    /// Each looks at something that an interpreter knows of itself or of its surroundings.
    static let programs = python + javascript + bash

    private static func program(
        _ language: String, _ name: String, _ code: String, stdin: String = "", files: [String: String] = [:]
    ) -> Program {
        Program(language: language, name: name, code: code, stdin: stdin, files: files)
    }

    private static let python: [Program] =
        [
            ("command line", "import sys; print(sys.argv, sys.orig_argv, sys.flags, sys.executable, sys.path)"),
            (
                "main module",
                "print(__name__, __file__, __spec__, __doc__, __package__, __loader__.__class__, sorted(globals()))"
            ),
            ("modules", "import sys; print(sorted(sys.modules), sorted(sys.path_importer_cache))"),
            ("traceback", "def f():\n    raise ValueError('x')\nf()"),
            ("syntax error", "x = (1\nprint(x"),
            (
                "exit handlers",
                "import atexit, sys\natexit.register(print, 'a')\natexit.register(print, 'b')\nsys.exit(3)"
            ),
            ("environment", "import os; print(sorted(os.environ.items())); print(open('/proc/self/environ').read())"),
            (
                "process",
                "import os; print(open('/proc/self/cmdline').read(), open('/proc/self/comm').read(), os.getpid(), os.getppid(), os.getsid(0), os.getpgrp(), os.getresuid(), os.getresgid(), os.getgroups(), os.getcwd(), os.umask(0))"
            ),
            (
                "descriptors",
                "import os\nfor n in sorted(os.listdir('/proc/self/fd'), key=int): print(n, [l for l in open('/proc/self/fdinfo/' + n).read().splitlines() if l.startswith('flags')] if int(n) < 3 else '')"
            ),
            (
                "privileges",
                "print([l for l in open('/proc/self/status') if l.startswith(('Cap', 'NoNew', 'Seccomp:', 'Threads', 'Sig', 'Shd', 'Groups'))])"
            ),
            (
                "limits",
                "import resource as r; print([(n, r.getrlimit(getattr(r, n))) for n in dir(r) if n.startswith('RLIMIT_')])"
            ),
            (
                "signals",
                "import signal, os; print([(s, signal.getsignal(s)) for s in sorted(signal.valid_signals())]); os.kill(os.getpid(), signal.SIGTERM)"
            ),
            ("abort", "import os; print('a', flush=True); os.abort()"),
            (
                "threads",
                "import threading as t; print(t.enumerate()[0].name, t.main_thread() is t.current_thread()); x = t.Thread(target=print, args=('in',)); x.start(); x.join(); t.Thread(target=lambda: 1/0).start()"
            ),
            (
                "children",
                "import subprocess, sys; print(subprocess.run([sys.executable, '-c', 'import sys; print(sys.argv)'], capture_output=True)); subprocess.run(['sh', '-c', 'echo $0 $PPID'])"
            ),
            ("fork", "import os\np = os.fork()\nif p == 0: os._exit(5)\nprint(os.waitpid(p, 0)[1])"),
            (
                "recursion",
                "import sys; print(sys.getrecursionlimit(), sys.getswitchinterval())\ndef f(n): return f(n + 1)\nf(0)"
            ),
            (
                "source",
                "import inspect, linecache\ndef f(): pass\nprint(inspect.getsource(f), linecache.getline('main.py', 1), inspect.getfile(f))"
            ),
            (
                "streams",
                "import sys; print(sys.stdin, sys.stdout, sys.stderr, sys.stdout.line_buffering, sys.stdout.isatty(), sys.stdin.isatty())"
            ),
            (
                "files",
                "import os; print([(n, oct(os.stat(n).st_mode), os.stat(n).st_size, os.stat(n).st_uid, os.stat(n).st_nlink) for n in sorted(os.listdir('.'))])"
            ),
            ("hash seed", "import sys; print(sys.flags.hash_randomization, hash(1), sys.hash_info)"),
            ("locale", "import locale, sys, time; print(locale.getlocale(), sys.getfilesystemencoding(), time.tzname)"),
            ("excepthook", "import sys\nsys.excepthook = lambda *a: print('hook', a[1])\nraise KeyError('k')"),
        ].map { program("python", $0.0, $0.1) } + [
            program(
                "python", "stdin", "import sys; print(input(), sys.stdin.readline(), sys.stdin.read()); input()",
                stdin: "a\nb\nc\nd"),
            program(
                "python", "modules of its own", "import lib.a, b; print(lib.a.x, b.__file__, lib.__path__)",
                files: ["lib/a.py": "x = 1", "b.py": ""]),
        ]

    private static let javascript: [Program] =
        [
            (
                "command line",
                "console.log(process.argv, process.argv0, process.execArgv, process.execPath, process.title, process.cwd())"
            ),
            (
                "main module",
                "console.log(require.main === module, module.id, module.filename, module.paths, module.parent, module.children, module.loaded, __filename, __dirname)"
            ),
            (
                "modules",
                "console.log(Object.keys(require.cache), process.moduleLoadList.length, require('module').globalPaths)"
            ),
            ("uncaught error", "function f() {\n  throw new TypeError('x');\n}\nf();"),
            ("stack", "function f() { return new Error('here').stack; }\nconsole.log(f(), Error.stackTraceLimit)"),
            ("syntax error", "console.log('a');\nlet x = ;"),
            (
                "unhandled rejection",
                "Promise.reject(new Error('late')); process.on('exit', code => console.log('exit', code));"
            ),
            (
                "exit handlers",
                "process.on('beforeExit', () => console.log('before')); process.on('exit', c => console.log('exit', c)); process.exitCode = 4;"
            ),
            (
                "exit in the middle",
                "setTimeout(() => console.log('never'), 1000); process.on('exit', () => console.log('bye')); process.stdout.write('x\\n', () => process.exit(2));"
            ),
            (
                "environment",
                "console.log(Object.entries(process.env).sort(), require('fs').readFileSync('/proc/self/environ', 'utf8'))"
            ),
            (
                "process",
                "const r = n => require('fs').readFileSync('/proc/self/' + n, 'utf8'); console.log(r('cmdline'), r('comm'), process.pid, process.ppid, process.getuid(), process.getgroups(), process.umask())"
            ),
            (
                "order",
                "setImmediate(() => console.log('immediate')); setTimeout(() => console.log('timeout'), 50); Promise.resolve().then(() => console.log('promise')); process.nextTick(() => console.log('tick')); queueMicrotask(() => console.log('microtask')); console.log('sync')"
            ),
            (
                "listeners",
                "console.log(process.eventNames(), process.listenerCount('exit'), process._getActiveHandles().length, process._getActiveRequests().length)"
            ),
            (
                "globals",
                "console.log(Object.getOwnPropertyNames(globalThis).sort().join(), Object.keys(process).sort().join())"
            ),
            (
                "asynchronous ids",
                "const a = require('async_hooks'); console.log(a.executionAsyncId(), a.triggerAsyncId())"
            ),
            (
                "streams",
                "console.log(process.stdout.isTTY, process.stdout._type, process.stdin.isTTY, process.stderr.fd, process.stdout.writableHighWaterMark)"
            ),
            (
                "streams of children",
                "const c = require('child_process'); c.spawnSync('sh', ['-c', 'grep flags /proc/self/fdinfo/0 /proc/self/fdinfo/1 /proc/self/fdinfo/2'], {stdio: 'inherit'});"
            ),
            (
                "descriptors",
                "const c = require('child_process'); console.log(c.execSync('ls /proc/self/fd; ulimit -n; ulimit -f').toString())"
            ),
            (
                "children",
                "const c = require('child_process'); console.log(c.execFileSync(process.execPath, ['-p', 'process.execArgv.length + process.argv.length']).toString())"
            ),
            (
                "fork",
                "const c = require('child_process'); if (process.send) { process.send([process.execArgv, process.argv.length]); process.disconnect(); } else c.fork(__filename).on('message', m => console.log(m));"
            ),
            (
                "worker",
                "const w = require('worker_threads'); if (w.isMainThread) new w.Worker(__filename, {workerData: 5}).on('message', m => console.log(m)); else w.parentPort.postMessage([w.workerData, process.execArgv, process.argv.length]);"
            ),
            (
                "dynamic import",
                "import('fs').then(m => console.log(typeof m.readFileSync, m.default === require('fs')))"
            ),
            (
                "recursion",
                "function f(n) { try { return f(n + 1) } catch (e) { return e.name + e.message } } console.log(f(0))"
            ),
            (
                "console",
                "console.error('err'); console.table([{a: 1}]); console.dir({a: {b: {c: {}}}}, {depth: 0}); console.log('%s %d %o', 'x', 1, [2]); console.assert(false, 'no');"
            ),
            (
                "signals",
                "process.on('SIGUSR2', () => { console.log('usr2'); process.kill(process.pid, 'SIGTERM'); }); process.kill(process.pid, 'SIGUSR2'); setTimeout(() => {}, 5000)"
            ),
            ("abort", "console.log('a'); process.abort()"),
            (
                "files",
                "const fs = require('fs'); console.log(fs.readdirSync('.').map(n => [n, fs.statSync(n).mode, fs.statSync(n).size, fs.statSync(n).nlink]))"
            ),
            ("nothing printed", "let x = 1"),
        ].map { program("javascript", $0.0, $0.1) } + [
            program("javascript", "stdin", "console.log(require('fs').readFileSync(0, 'utf8'))", stdin: "a\nb"),
            program(
                "javascript", "stdin as a stream",
                "let t = ''; process.stdin.on('data', d => t += d).on('end', () => console.log(t.length))",
                stdin: String(repeating: "x", count: 10_000)),
            program(
                "javascript", "modules of its own",
                "console.log(require('./lib/a').x, require('./b.json'), module.children.map(c => c.id))",
                files: ["lib/a.js": "exports.x = __filename", "b.json": "{\"y\": 2}"]),
        ]

    private static let bash: [Program] = [
        (
            "parameters",
            "echo $0 $# $$ $PPID $BASHPID \"$-\" $SHLVL; set | grep -v -E '^(RANDOM|SECONDS|EPOCH|SRANDOM|_=|BASH_ARGV)'"
        ),
        ("exit trap", "trap 'echo bye' EXIT; exit 6"),
        ("descriptors", "ls -l /proc/$$/fd > /tmp/list; wc -l < /tmp/list; cat /proc/$$/cmdline"),
        ("error", "if then"), ("unknown command", "nosuchcommand\necho $?"),
    ].map { program("bash", $0.0, $0.1) }
}
