import Glibc
import Targets
import TestSupport

// fuzz TARGET [--seconds N] [--seed S] [--from I]   mutate until the time is up
// fuzz TARGET --replay FILE...                      run the files as they are
// fuzz TARGET --write-seeds FOLDER                  the inputs that mutation starts from
//
// Inputs run in a child process that a watchdog and a memory limit end; the parent saves what ended
// it, and goes on behind it. A failure is found again by its seed and number.
var arguments = Arguments(CommandLine.arguments.dropFirst())
guard let type = fuzzTargets.first(where: { $0.name == arguments.target }) else {
  complain(
    "usage: fuzz \(fuzzTargets.map { $0.name }.joined(separator: "|")) [--seconds N] [--seed S]"
  )
  exit(64)
}
if let folder = arguments.seedFolder {
  let scratch = ScratchPath()
  for (number, seed) in try type.init(folder: scratch.path, fixtures: fixtures).seeds.enumerated() {
    save(seed, to: "\(folder)/seed-\(number)")
  }
  scratch.remove()
} else if arguments.isChild {
  try Child(type, arguments).run()
} else {
  exit(Parent(type, arguments).run() == 0 ? 0 : 1)
}
