import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// What scripts/show-privileges.sh shows of a service with a job: the table of docs/architecture.md, as ps, capsh and
    /// /proc have it.
    @Suite("Privileges shown")
    struct PrivilegesTests {
        @Test(
            "root is the launcher's and the slots' alone; driver, init and job have no capability and cannot get one",
            .enabled(if: access("/usr/sbin/capsh", X_OK) == 0, "needs capsh (libcap2-bin)"))
        func shown() throws {
            let server = try Server(slots: 1)
            let job = try HTTP.post(
                "/api/jobs", try request("bash", "sleep 50", ["timeout": 60_000]), port: server.port)
            try #require(job.status == 202)
            let path = try #require(job.headers["location"])
            #expect(
                Eventually.holds(within: .seconds(30)) {
                    ProcessTable.descendants(of: server.driver.pid).contains { $0.name == "sleep" }
                })
            let script = try Child(
                ["\(Installation.sources)/scripts/show-privileges.sh", "\(server.driver.pid)"],
                environment: Installation.environment)
            let exitCode = try script.wait(atMost: .seconds(60))
            let text = String(decoding: script.standardOutput, as: UTF8.self)
            try #require(exitCode == 0, "\(script.standardError)\(text)")

            let lines = text.split(separator: "\n").map { $0.split(whereSeparator: \.isWhitespace).map(String.init) }
            func rows(of role: String) -> [[String]] { lines.filter { $0.first == role && $0.count == 9 } }
            // process, pid, uid, effective, permitted, bounding, no_new_privs, seccomp, namespaces
            let driver = try #require(rows(of: "driver").first)
            #expect(driver[1] == "\(server.driver.pid)")
            #expect(Instance(user: UInt32(driver[2]) ?? 0)?.number == server.instance.number)
            #expect(driver[3...4] == ["none", "none"] && driver[6] == "1")
            let launcher = try #require(rows(of: "launcher").first)
            #expect(launcher[1] == "\(server.launcher.pid)" && launcher[2] == "0" && launcher[8] == "mnt")
            let slots = rows(of: "slot")
            #expect(!slots.isEmpty && slots.allSatisfy { $0[2] == "0" && $0[8] == "mnt,net,uts" }, "\(text)")
            let inits = rows(of: "init")
            #expect(inits.count == slots.count)
            let jobs = rows(of: "job")
            #expect(!jobs.isEmpty)
            for row in inits + jobs {
                #expect(Instance(user: UInt32(row[2]) ?? 0)?.number == server.instance.number, "\(row)")
                #expect(row[3...4] == ["none", "none"] && row[6...7] == ["1", "2"], "\(row)")
            }
            #expect(inits.allSatisfy { $0[8] == "pid,mnt,net,ipc,uts" }, "\(text)")
            #expect(jobs.allSatisfy { $0[5] == "none" && $0[8] == "user,pid,mnt,net,ipc,uts,cgroup" }, "\(text)")
            #expect(Set(inits.map { $0[2] }).isDisjoint(with: jobs.map { $0[2] }))
            #expect(try HTTP.send("DELETE", path, "", type: "", port: server.port).status == 200)
            #expect(try server.stop() == 0)
        }
    }
}
