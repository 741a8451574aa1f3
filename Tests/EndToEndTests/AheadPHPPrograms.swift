extension EndToEnd.AheadTests {
    /// Of an image that is built on demand.
    static let php: [Program] = [
        Program(
            language: "php", name: "command line",
            code:
                #"<?php var_dump($argc, $argv, PHP_BINARY, PHP_SAPI, ini_get_all(null, false), getcwd(), get_include_path());"#
        ),
        Program(
            language: "php", name: "superglobals",
            code:
                #"<?php $s = $_SERVER; unset($s['REQUEST_TIME'], $s['REQUEST_TIME_FLOAT']); var_dump($s, $_ENV, getenv(), array_keys($GLOBALS), $_GET, $_FILES);"#
        ),
        Program(
            language: "php", name: "request time",
            code:
                #"<?php usleep(1000); $d = microtime(true) - $_SERVER['REQUEST_TIME_FLOAT']; var_dump($d > 0.0005 && $d < 0.5, time() - $_SERVER['REQUEST_TIME'] <= 1);"#
        ),
        Program(
            language: "php", name: "main file",
            code:
                #"<?php var_dump(__FILE__, __DIR__, __LINE__, get_included_files(), realpath_cache_size() > 0, getmyinode() === fileinode('main.php'), getlastmod() === filemtime('main.php'), getmyuid(), get_current_user());"#
        ),
        Program(
            language: "php", name: "extensions",
            code:
                #"<?php var_dump(get_loaded_extensions(), php_ini_loaded_file(), php_ini_scanned_files(), get_declared_classes(), count(get_defined_functions()['internal']));"#
        ),
        Program(
            language: "php", name: "uncaught error",
            code: #"<?php function f($a) { throw new TypeError('x'); }\#nf(1);"#),
        Program(language: "php", name: "syntax error", code: #"<?php\#necho 'a';\#nlet x = ;"#),
        Program(
            language: "php", name: "warnings", code: #"<?php error_reporting(E_ALL); echo $undefined; echo 1 / 0;"#),
        Program(
            language: "php", name: "exit handlers",
            code:
                #"<?php register_shutdown_function(function () { echo 'bye'; }); class A { function __destruct() { echo 'gone'; } } $a = new A; exit(3);"#
        ),
        Program(
            language: "php", name: "process",
            code:
                #"<?php echo file_get_contents('/proc/self/cmdline'), file_get_contents('/proc/self/comm'), getmypid(), file_get_contents('/proc/self/environ'), umask();"#
        ),
        Program(
            language: "php", name: "descriptors",
            code:
                #"<?php foreach (['0', '1', '2'] as $n) echo $n, ' ', explode("\n", file_get_contents("/proc/self/fdinfo/$n"))[1], "\n"; echo implode(' ', scandir('/proc/self/fd'));"#
        ),
        Program(
            language: "php", name: "privileges",
            code:
                #"<?php foreach (file('/proc/self/status') as $l) if (preg_match('/^(Cap|NoNew|Seccomp:|Threads|Sig|Shd|Groups)/', $l)) echo $l; echo file_get_contents('/proc/self/limits');"#
        ),
        Program(
            language: "php", name: "children",
            code:
                #"<?php echo shell_exec('echo $0 $PPID; ls /proc/self/fd; ulimit -n; cat /proc/self/status | grep Sig'); passthru(PHP_BINARY . ' -r "echo 5;"');"#
        ),
        Program(
            language: "php", name: "recursion",
            code: #"<?php function f($n) { return f($n + 1); } ini_set('memory_limit', '8M'); f(0);"#),
        Program(
            language: "php", name: "memory limit",
            code:
                #"<?php var_dump(ini_get('memory_limit'), memory_get_usage() > 0, memory_get_peak_usage(true)); $x = str_repeat('x', 300 << 20);"#
        ),
        Program(
            language: "php", name: "streams",
            code:
                #"<?php var_dump(STDIN, STDOUT, STDERR, stream_get_meta_data(STDIN), stream_isatty(STDOUT), ob_get_level(), ob_get_status(true));"#
        ),
        Program(
            language: "php", name: "files",
            code:
                #"<?php foreach (scandir('.') as $n) { $s = stat($n); printf("%s %o %d %d %d\n", $n, $s['mode'], $n[0] === '.' ? 0 : $s['size'], $s['uid'], $s['nlink']); }"#
        ),
        Program(
            language: "php", name: "locale",
            code:
                #"<?php var_dump(setlocale(LC_ALL, 0), date_default_timezone_get(), mb_internal_encoding(), ini_get('default_charset'), php_uname('n'));"#
        ),
        Program(
            language: "php", name: "error handler",
            code:
                #"<?php set_error_handler(function ($n, $s) { echo "handled $s"; }); echo $x; set_exception_handler(function ($e) { echo get_class($e); }); throw new Exception('e');"#
        ),
        Program(language: "php", name: "signal", code: #"<?php echo 'a'; posix_kill(posix_getpid(), 15);"#),
        Program(
            language: "php", name: "opcache",
            code:
                #"<?php var_dump(function_exists('opcache_get_status') ? opcache_get_status() : null, gc_status()['runs'] ?? null, spl_object_id(new stdClass));"#
        ),
        Program(language: "php", name: "no tag", code: #"plain text\#n<?= 1 + 1 ?>\#nmore"#),
        Program(language: "php", name: "nothing printed", code: #"<?php $x = 1;"#),
        Program(
            language: "php", name: "shebang",
            code: #"#!/usr/bin/php\#n<?php declare(strict_types=1); namespace A; echo __NAMESPACE__, __LINE__;"#),
        Program(
            language: "php", name: "stdin",
            code: #"<?php echo fgets(STDIN), stream_get_contents(STDIN), file_get_contents('php://stdin');"#,
            stdin: #"a\#nb\#nc"#),
        Program(
            language: "php", name: "files of its own",
            code:
                #"<?php require 'lib/a.php'; include 'b.php'; echo X, json_encode(parse_ini_file('php.ini')), json_encode(get_included_files()), ini_get('precision');"#,
            files: [
                "lib/a.php": #"<?php const X = __FILE__;"#, "b.php": #"<?php echo basename(__FILE__);"#,
                "php.ini": #"precision=3\#n"#, ".user.ini": #"precision=4\#n"#,
            ]),
    ]
}
