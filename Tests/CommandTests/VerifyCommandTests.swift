import Fixtures
import JSON
import Testing

/// `verify`: the one command that prints on failure.
@Suite struct VerifyCommandTests {
  let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  @Test("a sound model is ok, in every form")
  func sound() throws {
    for model in [Sample.micro, "\(Sample.micro)/model.safetensors", try Compressed.pack()] {
      let json = try Moepack.json("verify", model)
      #expect(json["ok"] == true)
      #expect(json["problems"]?.array?.isEmpty == true)
      #expect(try Moepack.succeed("verify", model).text.hasSuffix("ok\n"))
    }
  }

  @Test("a flipped bit anywhere in a pack is found, and named on standard output")
  func flippedBits() throws {
    let pack = try ScratchFolder.bytes(of: try Compressed.pack())
    let places =
      [0, 9, 20] + (1..<24).map { $0 * pack.count / 24 } + [pack.count - 40, pack.count - 1]
    for place in places {
      var bytes = pack
      bytes[place] ^= 0x10
      let path = try scratch.write("x.moepack", bytes)
      let run = try Moepack.run(["verify", path, "--json"])
      #expect(run.status == 1, "byte \(place): \(run.complaint)")
      let json = try JSONValue(parsing: run.output)
      #expect(json["ok"] == false)
      let problem = try #require(json["problems"]?[0])
      #expect(Set(problem.keys).isSuperset(of: ["file", "place", "message"]))
      #expect(problem["file"]?.string == path)
      #expect(problem["message"]?.string?.contains("x.moepack") == true)
    }
  }

  @Test("a pack cut short or lengthened is not ok")
  func otherLengths() throws {
    let pack = try ScratchFolder.bytes(of: try Compressed.pack())
    for bytes in [Array(pack.dropLast()), Array(pack.prefix(pack.count / 2)), [], pack + [0]] {
      let path = try scratch.write("x.moepack", bytes)
      let run = try Moepack.run(["verify", path])
      #expect(run.status == 1)
      #expect(run.text.contains("x.moepack"))
    }
  }

  @Test("a folder whose weights break a rule is not ok")
  func brokenFolder() throws {
    let model = try Sample.copy(in: scratch)
    let bytes = try ScratchFolder.bytes(of: "\(model)/model.safetensors")
    try scratch.write("model/model.safetensors", Array(bytes.dropLast(2)))
    let run = try Moepack.run(["verify", model, "--json"])
    #expect(run.status == 1)
    #expect(try JSONValue(parsing: run.output)["ok"] == false)
  }

  @Test("GGUF files are ok, and with --deep so are their values where they are numbers")
  func gguf() throws {
    for name in ["alignment-64", "every-value", "split-00002-of-00003"] {
      let path = Fixtures.path("gguf/\(name).gguf")
      #expect(try Moepack.json("verify", path)["ok"] == true)
      #expect(try Moepack.json("verify", path, "--deep")["ok"] == true)
    }
    // Its blocks are random bits, some of whose scales are no numbers.
    let random = Fixtures.path("gguf/every-type.gguf")
    #expect(try Moepack.json("verify", random)["ok"] == true)
    let run = try Moepack.run(["verify", random, "--deep", "--json"])
    #expect(run.status == 1)
    let places = (try JSONValue(parsing: run.output)["problems"]?.array ?? []).map {
      $0["place"]?.string ?? ""
    }
    #expect(places.contains("blk.0.q4_1.weight") && !places.contains("blk.0.q8_0.weight"))
  }

  @Test("a missing file is not ok")
  func missing() throws {
    let run = try Moepack.run(["verify", scratch("none.moepack"), "--json"])
    #expect(run.status == 1)
    #expect(try JSONValue(parsing: run.output)["problems"]?.array?.count == 1)
  }
}
