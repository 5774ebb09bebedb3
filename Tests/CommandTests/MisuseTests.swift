import Fixtures
import Testing

/// What the command line alone shows to be wrong: exit status 64, whatever the files are.
///
/// The model is missing on purpose: misuse must be seen before a file is looked at.
@Suite struct MisuseTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var command: String
    var options: String
    var word: String

    init(_ command: String, _ options: String, _ word: String) {
      self.command = command
      self.options = options
      self.word = word
    }

    var testDescription: String { "\(command) \(options)" }

    var arguments: [String] {
      [command, "/nowhere/model"] + options.split(separator: " ").map(String.init)
    }
  }

  /// Options that exclude each other or cannot apply.
  static let combinations: [Case] = [
    Case("compress", "-o x.moepack --rank-keep dense --alpha 0.2", "--alpha"),
    Case("compress", "-o x.moepack --rank-keep dense --epsilon 0.2", "--epsilon"),
    Case("compress", "-o x.moepack --rank-keep dense --rank-multiple 8", "--rank-multiple"),
    Case("compress", "-o x.moepack --rank-keep dense --factor svd", "--factor"),
    Case("compress", "-o x.moepack --rank-keep dense --factor-type f32", "--factor-type"),
    Case("compress", "-o x.moepack --rank-keep 0.5 --average-rank 12", "--average-rank"),
    Case("compress", "-o x.moepack --allocate uniform --lambda 0.1", "--lambda"),
    Case("compress", "-o x.moepack --allocate inverse --lambda 0.1", "--lambda"),
    Case("compress", "-o x.moepack --uniform --lambda 0.1", "--lambda"),
    Case("compress", "-o x.moepack --uniform --allocate bounded", "--uniform"),
    Case("compress", "-o x.moepack --uniform --allocate inverse", "--uniform"),
    Case("compress", "-o x.moepack --select exhaustive --population 10", "--population"),
    Case("compress", "-o x.moepack --select frequency --generations 10", "--generations"),
    Case("compress", "-o x.moepack --select random --parents 0.1", "--parents"),
    Case("compress", "-o x.moepack --select exhaustive --mutation 0.1", "--mutation"),
    Case("compress", "-o x.moepack --prune 0 --allocate uniform", "--allocate"),
    Case("compress", "-o x.moepack --prune 0 --uniform", "--uniform"),
    Case("compress", "-o x.moepack --prune 0 --lambda 0.1", "--lambda"),
    Case("compress", "-o x.moepack --prune 0 --search-tokens all", "--search-tokens"),
    Case("compress", "-o x.moepack --prune 0 --select genetic", "--select"),
    Case("compress", "-o x.moepack --prune 0 --population 5", "--population"),
    Case("compress", "-o x.moepack --prune 0 --reception-tokens 512", "--reception-tokens"),
    Case("compress", "-o x.moepack --prune 0 --reception-sets 2", "--reception-sets"),
    Case("compress", "-o x.moepack --prune 0 --reception-blocks 2", "--reception-blocks"),
    Case("compress", "-o x.moepack --prune 0 --protect 0:1", "--protect"),
    Case("compress", "-o x.moepack --calibration a.txt --ids b.json", "--ids"),
    Case("compress", "-o x.moepack --allow-other-weights", "--allow-other-weights"),
    Case("compress", "-o x.moepack --report x.pdf", "--report"),
    Case("plan", "-o p.json --rank-keep dense --alpha 0.2", "--alpha"),
    Case("plan", "-o p.json --prune 0 --protect 0:1", "--protect"),
    Case("plan", "-o p.json --calibration a.txt --ids b.json", "--ids"),
    Case("plan", "-o p.json --statistics s.safetensors --prune 0", "--statistics"),
    Case("calibrate", "-o s.safetensors --prune 0 --search-tokens 5", "--search-tokens"),
    Case("calibrate", "-o s.safetensors --calibration a.txt --ids b.json", "--ids"),
    Case("calibrate", "-o s.safetensors --uniform --lambda 0.1", "--lambda"),
    Case("evaluate", "--text a.txt --ids b.json", "--ids"),
    Case("evaluate", "--text a.txt --save-logits f --save-hidden f", "--save-hidden"),
    Case("convert", "-o x.moepack --type F32", "--type"),
    Case("convert", "-o x.moepack --max-shard-size 1GB", "--max-shard-size"),
    Case("convert", "-o x.moepack --plan p.json", "--plan"),
    Case("convert", "-o x --all-files", "--all-files"),
    Case("convert", "-o x.safetensors --max-shard-size 1GB", "--max-shard-size"),
    Case("convert", "-o x --to moepack --type F32", "--type"),
    Case("edit", "-o x.gguf --set a:u8=1 --remove a", "twice"),
    Case("edit", "-o x.gguf --set a:u8=1 --set a:u8=1", "twice"),
    Case("edit", "-o x.gguf --rename a=b --rename b=c", "twice"),
    Case(
      "edit",
      "-o x.gguf --chat-template t.jinja --remove tokenizer.chat_template",
      "tokenizer.chat_template"
    ),
    Case("edit", "-o x.gguf --set a:u8=256", "0...255"),
    Case("edit", "-o x.gguf --set a:u33=1", "u33"),
    Case("edit", "-o x.gguf --set a", "KEY=VALUE"),
    Case("edit", "-o x.gguf --set =1", "empty"),
    Case("edit", "-o x.gguf --rename a", "OLD=NEW"),
    Case("edit", "-o x.gguf --set split.count=1", "split.count"),
    Case("edit", "-o x.gguf --remove split.no", "split.no"),
    Case("edit", "-o x.gguf --remove general.architecture", "general.architecture"),
    Case("edit", "-o x.gguf --set general.alignment=48", "power of two"),
    Case("edit", "-o x.gguf --split-max-tensors 0", "--split-max-tensors"),
    Case("edit", "-o folder", ".gguf"),
    Case("edit", "-o x-00001-of-00002.gguf", "one split"),
    Case("split", "-o x.gguf", "--split-max-size"),
    Case("split", "-o x --split-max-tensors 1", ".gguf"),
    Case("split", "-o x.gguf --split-max-size 1M", "--split-max-size"),
    Case("merge", "-o x", ".gguf"),
    Case("tokenize", "--text a.txt --ids b.json", "--ids"),
    Case("tokenize", "--text a.txt --decode", "--decode"),
    Case("tokenize", "--ids b.json", "--decode"),
    Case("tokenize", "--ids b.json --decode --stream", "--stream"),
  ]

  /// Options of the method, none of which goes with a plan.
  static let methodOptions = [
    "--prune 0.3", "--prune 0", "--allocate uniform", "--uniform", "--lambda 0.1",
    "--search-tokens 10", "--select random", "--population 10", "--generations 4",
    "--parents 0.3", "--mutation 0.1", "--reception-tokens 512", "--reception-sets 2",
    "--reception-blocks 2", "--protect 0:1", "--rank-keep 0.4", "--rank-keep dense",
    "--average-rank 9", "--alpha 0.1", "--epsilon 1e-5", "--rank-multiple 2", "--factor svd",
    "--factor-type f16",
  ]

  /// Values out of range, and options that are missing.
  static let values: [Case] = [
    Case("compress", "", "--output"), Case("plan", "", "--output"),
    Case("calibrate", "", "--output"), Case("convert", "", "--output"),
    Case("evaluate", "", "--text"), Case("tokenize", "", "--text"),
    Case("compress", "-o x.moepack --prune 1", "--prune"),
    Case("compress", "-o x.moepack --prune -0.1", "--prune"),
    Case("compress", "-o x.moepack --prune nan", "--prune"),
    Case("compress", "-o x.moepack --prune half", "--prune"),
    Case("compress", "-o x.moepack --lambda 1.5", "--lambda"),
    Case("compress", "-o x.moepack --rank-keep 0", "--rank-keep"),
    Case("compress", "-o x.moepack --rank-keep 1", "--rank-keep"),
    Case("compress", "-o x.moepack --average-rank 0", "--average-rank"),
    Case("compress", "-o x.moepack --average-rank inf", "--average-rank"),
    Case("compress", "-o x.moepack --alpha -1", "--alpha"),
    Case("compress", "-o x.moepack --alpha nan", "--alpha"),
    Case("compress", "-o x.moepack --epsilon 0", "--epsilon"),
    Case("compress", "-o x.moepack --rank-multiple 0", "--rank-multiple"),
    Case("compress", "-o x.moepack --factor lu", "--factor"),
    Case("compress", "-o x.moepack --factor-type iq2_s", "--factor-type"),
    Case("compress", "-o x.moepack --select best", "--select"),
    Case("compress", "-o x.moepack --allocate some", "--allocate"),
    Case("compress", "-o x.moepack --population 0", "--population"),
    Case("compress", "-o x.moepack --generations -1", "--generations"),
    Case("compress", "-o x.moepack --parents 0", "--parents"),
    Case("compress", "-o x.moepack --parents 1.1", "--parents"),
    Case("compress", "-o x.moepack --mutation 2", "--mutation"),
    Case("compress", "-o x.moepack --protect 0", "--protect"),
    Case("compress", "-o x.moepack --protect 0:1,", "--protect"),
    Case("compress", "-o x.moepack --protect a:b", "--protect"),
    Case("compress", "-o x.moepack --search-tokens 0", "--search-tokens"),
    Case("compress", "-o x.moepack --search-tokens some", "--search-tokens"),
    Case("compress", "-o x.moepack --reception-tokens 0", "--reception-tokens"),
    Case("compress", "-o x.moepack --reception-sets 0", "--reception-sets"),
    Case("compress", "-o x.moepack --reception-blocks 0", "--reception-blocks"),
    Case("compress", "-o x.moepack --tokens 0", "--tokens"),
    Case("compress", "-o x.moepack --context 0", "--context"),
    Case("compress", "-o x.moepack --threads 0", "--threads"),
    Case("compress", "-o x.moepack --seed -1", "--seed"),
    Case("compress", "-o x.moepack --memory 4XB", "--memory"),
    Case("compress", "-o x.moepack --memory 1.5", "--memory"),
    Case("compress", "-o x.moepack --memory 0", "--memory"),
    Case("compress", "-o x.moepack --memory -1GB", "--memory"),
    Case("compress", "-o x.moepack --memory 4gb", "--memory"),
    Case("compress", "-o x.moepack --ignore [", "--ignore"),
    Case("evaluate", "--text a.txt --context 0", "--context"),
    Case("evaluate", "--text a.txt --tokens -4", "--tokens"),
    Case("evaluate", "--text a.txt --threads many", "--threads"),
    Case("inspect", "--match (", "--match"),
    Case("inspect", "--role experts", "--role"),
    Case("inspect", "--layer -1", "--layer"),
    Case("inspect", "--expert two", "--expert"),
    Case("convert", "-o x --type Q9", "--type"),
    Case("convert", "-o x --to zip", "--to"),
    Case("convert", "-o x.gguf --type Q9", "--type"),
    Case("convert", "-o x --max-shard-size 5G", "--max-shard-size"),
  ]

  @Test("options that cannot go together are misuse", arguments: combinations)
  func combination(sample: Case) throws {
    try Moepack.fail(64, saying: [sample.word], sample.arguments)
  }

  @Test("with a plan, an option of the method is misuse", arguments: methodOptions)
  func optionWithPlan(option: String) throws {
    let sample = Case("compress", "-o x.moepack --plan p.json \(option)", "")
    let name = option.split(separator: " ").first.map(String.init) ?? option
    try Moepack.fail(64, saying: [name, "plan"], sample.arguments)
  }

  @Test("values out of range and missing options are misuse", arguments: values)
  func value(sample: Case) throws {
    try Moepack.fail(64, saying: [sample.word], sample.arguments)
  }

  @Test("a missing model is misuse", arguments: ProgramTests.commands)
  func missingModel(command: String) throws {
    try Moepack.fail(64, [command])
  }

  @Test(
    "--force, --seed, --threads and --json may always be given",
    arguments: ProgramTests.commands
  )
  func alwaysAllowed(command: String) throws {
    let rest: [String: [String]] = [
      "calibrate": ["-o", "/nowhere/s.safetensors"], "compress": ["-o", "/nowhere/x.moepack"],
      "convert": ["-o", "/nowhere/x.moepack"], "plan": ["-o", "/nowhere/p.json"],
      "evaluate": ["--text", "a.txt"], "tokenize": ["--text", "a.txt"],
    ]
    let run = try Moepack.run(
      [command, "/nowhere/model", "--force", "--seed", "7", "--threads", "1", "--json"]
        + (rest[command] ?? [])
    )
    // The model is missing, which is a failure and no misuse.
    #expect(run.status == 1, "\(run.complaint)")
  }

  @Test("after --plan the run's own options remain")
  func optionsThatRemain() throws {
    let options = """
      -o x.moepack --plan p.json --calibration a.txt --tokens 512 --context 64 --evaluate b.txt \
      --report r.md --threads 1 --memory 1GB --dry-run --force --work-directory . --restart --json
      """
    try Moepack.fail(1, saying: ["/nowhere/model"], Case("compress", options, "").arguments)
  }

  @Test(
    "sizes are bytes or have a unit",
    arguments: ["1000000000", "1GB", "1GiB", "1000MB", "1.5GB"]
  )
  func sizes(size: String) throws {
    let sample = Case("compress", "-o x.moepack --memory \(size)", "")
    try Moepack.fail(1, saying: ["/nowhere/model"], sample.arguments)
  }
}
