import Glibc
import JSON

/// What the numbers were measured on.
func machine() -> JSONValue {
  let lines = (try? contents(of: "/proc/cpuinfo"))?.split(separator: "\n") ?? []
  let model = lines.first { $0.hasPrefix("model name") }?.split(separator: ":").last
  return [
    "processor": JSONValue(model.map { String($0.drop { $0 == " " }) }),
    "cores": JSONValue(Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))),
    "memory": JSONValue(Int(sysconf(Int32(_SC_PHYS_PAGES))) * Int(sysconf(Int32(_SC_PAGESIZE)))),
  ]
}
