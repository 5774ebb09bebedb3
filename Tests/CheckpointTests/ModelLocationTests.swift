import JSON
import SystemPackage
import Tensors
import Testing
import TestSupport

@testable import Checkpoint

@Suite("Model location")
struct ModelLocationTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private let tiny = RawSafetensors.file([RawTensor("a", .u8, [1], [1])])

  @Test("ORG/NAME that is no path gets the download command")
  func hubName() {
    let name = "mistralai/Mixtral-8x7B-v0.1"
    let error = #expect(throws: CheckpointError.hubName(name: name)) { try ModelLocation(name) }
    #expect(
      "\(error.map { "\($0)" } ?? "")".hasSuffix(
        "hf download mistralai/Mixtral-8x7B-v0.1 --local-dir Mixtral-8x7B-v0.1"
      )
    )
  }

  @Test(
    "a path that is not there is no hub name",
    arguments: ["missing", "./missing/x", "../missing", "/a/b", "a/b/c", "a b/c", "a/", "a/é", ""]
  )
  func notFound(path: String) {
    #expect(throws: CheckpointError.notFound(path: path)) { try ModelLocation(path) }
  }

  @Test("files are told apart by what they hold and are called")
  func files() throws {
    let safetensors = try folder.write(tiny, to: "m.safetensors")
    #expect(try ModelLocation(safetensors.string) == .safetensors(safetensors))
    let named = try folder.write([], to: "m.moepack")
    #expect(try ModelLocation(named.string) == .pack(named))
    let renamed = try folder.write(HandmadePack.magic, to: "m.safetensors.old")
    #expect(try ModelLocation(renamed.string) == .pack(renamed))
    let gguf = try folder.write(Array("GGUF1234".utf8), to: "m.bin")
    #expect(try ModelLocation(gguf.string) == .gguf(gguf))
    let empty = try folder.write([], to: "m.gguf")
    #expect(try ModelLocation(empty.string) == .gguf(empty))
  }

  @Test("pickles and other files are refused, each with its reason")
  func otherFiles() throws {
    for name in ["pytorch_model.bin", "x.pt", "x.pth", "x.ckpt"] {
      let path = try folder.write([0x80, 2], to: name)
      #expect(throws: CheckpointError.pickleOnly(path: path, example: name)) {
        try ModelLocation(path.string)
      }
    }
    let text = try folder.write("hello", to: "readme")
    let error = #expect(throws: CheckpointError.self) { try ModelLocation(text.string) }
    #expect("\(error.map { "\($0)" } ?? "")".contains("expected a checkpoint folder"))
    try folder.makePipe("pipe")
    #expect(throws: CheckpointError.self) { try ModelLocation(folder("pipe").string) }
  }

  // MARK: - Folders

  @Test("a hub cache folder leads to the snapshot of its main reference")
  func cache() throws {
    let root = "models--mistralai--Mixtral"
    try folder.makeFolder("\(root)/snapshots/aaa111")
    try folder.makeFolder("\(root)/snapshots/bbb222")
    #expect(throws: CheckpointError.emptyCache(path: folder(root))) {
      try ModelLocation(folder(root).string)
    }
    try folder.write("bbb222\n", to: "\(root)/refs/main")
    let found = folder("\(root)/snapshots/bbb222")
    #expect(try ModelLocation(folder(root).string) == .directory(found))
  }

  @Test("a cache with one snapshot needs no reference, and none that leads outside is followed")
  func oneSnapshot() throws {
    let root = "models--a--b"
    try folder.makeFolder("\(root)/snapshots/abc")
    try folder.makeFolder("\(root)/snapshots/abc/inner")
    try folder.makeFolder("outside")
    let only = folder("\(root)/snapshots/abc")
    for reference in [nil, "def", "../../outside", "abc/inner", ""] {
      if let reference { try folder.write(reference, to: "\(root)/refs/main") }
      #expect(try ModelLocation(folder(root).string) == .directory(only))
    }
  }

  @Test("a link that leads nowhere is no name on the hub")
  func deadLink() throws {
    try folder.link("a", to: "gone")
    let error = #expect(throws: CheckpointError.self) { try ModelLocation(folder("a").string) }
    #expect("\(error.map { "\($0)" } ?? "")".contains("a link that leads nowhere"))
  }

  @Test("of a folder that holds GGUF only, the file is to be named")
  func onlyGGUF() throws {
    try folder.write("GGUF", to: "m/x.gguf")
    let error = #expect(throws: CheckpointError.self) { try Checkpoint(folder("m").string) }
    #expect(
      "\(error.map { "\($0)" } ?? "")".contains("name the file itself: \(folder("m/x.gguf"))")
    )
  }

  @Test("an empty cache is said to be one")
  func emptyCache() throws {
    try folder.makeFolder("models--a--b/snapshots")
    #expect(throws: CheckpointError.emptyCache(path: folder("models--a--b"))) {
      try ModelLocation(folder("models--a--b").string)
    }
  }

  @Test("a snapshot of links is a model")
  func snapshotOfLinks() throws {
    try TinyModel.mixtral().write(to: folder, at: "plain")
    let root = "models--a--b"
    for (name, content) in try folder.files(below: "plain") {
      try folder.write(content, to: "\(root)/blobs/\(name).blob")
      try folder.link("\(root)/snapshots/abc/\(name)", to: "../../blobs/\(name).blob")
    }
    let checkpoint = try Checkpoint(folder(root).string)
    try checkpoint.requireComplete()
    #expect(checkpoint.location == .directory(folder("\(root)/snapshots/abc")))
  }

  @Test("a folder of pickles is refused, one of nothing too")
  func noWeights() throws {
    try folder.write("{}", to: "p/config.json")
    let error = #expect(throws: CheckpointError.self) { try CheckpointFolder(folder("p")) }
    guard case .notAModel(folder("p"), _) = error else {
      Issue.record("another error: \(String(describing: error))")
      return
    }
    try folder.write([0x80], to: "p/pytorch_model-00001-of-00002.bin")
    #expect(
      throws: CheckpointError.pickleOnly(
        path: folder("p"),
        example: "pytorch_model-00001-of-00002.bin"
      )
    ) { try CheckpointFolder(folder("p")) }
    try folder.write(tiny, to: "p/model.safetensors")
    #expect(try CheckpointFolder(folder("p")).weightPaths == [folder("p/model.safetensors")])
  }

  @Test("weights are chosen in the order that the documentation gives")
  func order() throws {
    func chosen() throws -> (index: String?, weights: [String]) {
      let found = try CheckpointFolder(folder("m"))
      return (
        found.indexPath?.lastComponent?.string,
        found.weightPaths.compactMap { $0.lastComponent?.string }
      )
    }
    try folder.write(tiny, to: "m/consolidated.safetensors")
    #expect(try chosen().weights == ["consolidated.safetensors"])
    try folder.write(tiny, to: "m/.hidden.safetensors")
    try folder.write(tiny, to: "m/weights.safetensors")
    #expect(try chosen().weights == ["weights.safetensors"])
    try folder.write(tiny, to: "m/model-2.safetensors")
    try folder.write(tiny, to: "m/model-1.safetensors")
    #expect(try chosen().weights == ["model-1.safetensors", "model-2.safetensors"])
    try folder.write("{}", to: "m/other.safetensors.index.json")
    #expect(try chosen().index == "other.safetensors.index.json")
    try folder.write("{}", to: "m/third.safetensors.index.json")
    #expect(try chosen().weights == ["model-1.safetensors", "model-2.safetensors"])
    try folder.write(tiny, to: "m/model.safetensors")
    #expect(try chosen().weights == ["model.safetensors"])
    #expect(try chosen().index == nil)
    try folder.write("{}", to: "m/model.safetensors.index.json")
    #expect(try chosen().index == "model.safetensors.index.json")
  }
}
