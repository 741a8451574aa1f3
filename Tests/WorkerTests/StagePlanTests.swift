import Isolation
import Jobs
import LaunchProtocol
import Testing

@testable import Worker

@Suite("Stage plan")
struct StagePlanTests {
    @Test("{file} becomes the main file's name, also one that the request chose")
    func file() throws {
        let named = try Samples.plan(#"{"language":"c","code":"int main;"}"#, Samples.c)
        #expect(named.compile?.arguments == ["/usr/bin/gcc", "-o", "main", "main.c"])
        #expect(named.run.arguments == ["/box/main"])
        let chosen = try Samples.plan(
            #"{"language":"python","entrypoint":"lib/app.py","files":[{"path":"lib/app.py","content":"x"}]}"#,
            Samples.python)
        #expect(chosen.compile == nil)
        #expect(chosen.run.arguments == ["/usr/bin/python3", "lib/app.py"])
    }

    @Test("each stage has the policy of its placement")
    func policies() throws {
        let plan = try Samples.plan(#"{"language":"c","code":"x"}"#, Samples.c)
        #expect(plan.run.policy == 4)
        #expect(plan.compile?.policy == 5)
    }

    @Test("only an element that is {file} as a whole is the file's place")
    func wholeElement() throws {
        var language = Samples.python
        language.run = ["/bin/echo", "x{file}", "{file}", "{heapMiB}{heapMiB}"]
        let plan = try Samples.plan(#"{"language":"python","code":"x","limits":{"memoryBytes":104857600}}"#, language)
        #expect(plan.run.arguments == ["/bin/echo", "x{file}", "main.py", "6060"])
    }

    @Test("{heapMiB} is 60 % of each stage's own memory, at least 1")
    func heap() throws {
        let standard = try Samples.plan(#"{"language":"java","code":"x"}"#, Samples.java)
        #expect(standard.compile?.arguments == ["/usr/bin/javac", "-J-Xmx307m", "Main.java"])
        #expect(standard.run.arguments == ["/usr/bin/java", "-Xmx153m", "Main"])
        #expect(standard.run.limits.memoryBytes == 256 << 20)
        let tiny = try Samples.plan(
            #"{"language":"java","code":"x","limits":{"memoryBytes":1000000}}"#, Samples.java)
        #expect(tiny.run.arguments[1] == "-Xmx1m")
        #expect(tiny.run.limits.memoryBytes == 1_000_000)
    }

    @Test("a language's own need raises the compile stage's memory and never lowers it")
    func compileMemory() throws {
        var language = Samples.java
        language.compileMemoryBytes = 1 << 30
        let json = #"{"language":"java","code":"x"}"#
        #expect(try Samples.plan(json, language).compile?.limits.memoryBytes == 1 << 30)
        language.compileMemoryBytes = 1
        #expect(try Samples.plan(json, language).compile?.limits.memoryBytes == Limits.compile.memoryBytes)
    }

    @Test("the request's limits hold for its program and not for its compilation")
    func limits() throws {
        let plan = try Samples.plan(
            #"{"language":"c","code":"x","timeout":700,"limits":{"processes":3,"cpus":0.5}}"#, Samples.c)
        #expect(plan.compile?.limits == .compile)
        #expect(plan.run.limits.wallTimeMs == 700)
        #expect(plan.run.limits.processes == 3)
        let resources = plan.run.limits.resources
        #expect(resources.wallTime == 700_000_000)
        #expect(resources.milliCPUs == 500)
        #expect(resources.cpuTime == 5_000_000_000)
    }

    @Test("arguments follow the program's own, word for word")
    func arguments() throws {
        let plan = try Samples.plan(
            #"{"language":"c","code":"x","args":["{file}","{heapMiB}","a b",""]}"#, Samples.c)
        #expect(plan.run.arguments == ["/box/main", "{file}", "{heapMiB}", "a b", ""])
        #expect(plan.compile?.arguments.contains("a b") == false)
    }

    @Test("environment: the fixed one, over it the language's, over that the request's, for the program alone")
    func environment() throws {
        let plan = try Samples.plan(
            #"{"language":"python","code":"x","env":{"PYTHONUNBUFFERED":"","MINE":"1","HOME":"/tmp"}}"#, Samples.python)
        #expect(
            plan.run.environment == [
                "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/tmp",
                "LANG": "C.UTF-8", "TZ": "Europe/Berlin", "TMPDIR": "/tmp", "PYTHONUNBUFFERED": "", "MINE": "1",
            ])
        let compiled = try Samples.plan(#"{"language":"c","code":"x","env":{"MINE":"1"}}"#, Samples.c)
        #expect(compiled.compile?.environment == StagePlan.fixedEnvironment)
        #expect(compiled.run.environment["MINE"] == "1")
    }

    @Test("a request cannot set PATH")
    func path() {
        #expect(throws: RequestProblems.self) {
            try Samples.request(#"{"language":"python","code":"x","env":{"PATH":"/box"}}"#)
        }
    }

    @Test("a program can be started ahead where all that it starts with is the language's own")
    func ahead() throws {
        var language = Samples.python
        #expect(try Samples.plan(#"{"language":"python","code":"x"}"#, language).run.ahead == nil)
        language.ahead = .init(opens: "{file}", unless: ["setup.cfg", "conf"])
        func ahead(_ fields: String, _ language: Language) throws -> SandboxConfiguration.Ahead? {
            try Samples.plan(#"{"language":"\#(language.name)","code":"x"\#(fields)}"#, language).run.ahead
        }
        let usual = try #require(try ahead("", language))
        #expect(usual.opens == "main.py")
        #expect(usual.limits == Limits.standard.resources)
        for fields in [
            #","stdin":"a""#, #","timeout":100"#, #","limits":{"memoryBytes":1000000}"#,
            #","limits":{"processes":100}"#, #","files":[{"path":"lib/setup.cfg","content":""}]"#,
        ] { #expect(try ahead(fields, language) == usual, "\(fields)") }
        for fields in [
            #","args":["a"]"#, #","env":{"A":"b"}"#, #","limits":{"processes":3}"#, #","limits":{"openFiles":20}"#,
            #","files":[{"path":"setup.cfg","content":""}]"#, #","files":[{"path":"conf/a","content":""}]"#,
        ] { #expect(try ahead(fields, language) == nil, "\(fields)") }
        let other = #"{"language":"python","entrypoint":"app.py","files":[{"path":"app.py","content":"x"}]}"#
        #expect(try Samples.plan(other, language).run.ahead == nil)
        var java = Samples.java
        java.ahead = .init(opens: "Main.class")
        #expect(try ahead("", java)?.opens == "Main.class")
        #expect(try ahead("", java)?.limits.memory == 256 << 20)
        // The size of its heap is a part of its command line.
        #expect(try ahead(#","limits":{"memoryBytes":536870912}"#, java) == nil)
    }
}
