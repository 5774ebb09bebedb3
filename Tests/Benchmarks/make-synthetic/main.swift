// make-synthetic: writes a Qwen2-MoE checkpoint of random weights with given shapes.
//
//   swiftc -O main.swift -o make-synthetic
//   ./make-synthetic OUT --layers 4 --experts 60 --hidden 2048 --width 1408 --shared 5632
//
// The weights teach nothing, but they have what time and memory depend on: the shapes, the element
// type and the shards of a trained checkpoint, matrices whose singular values decay, and a router
// that prefers some experts without forgetting the others. Tensors are made row by row and written
// at once, so the program needs a few megabytes whatever the size of the model. The same options
// give the same bytes: every tensor has a generator of its own, seeded with the seed and its name.

import Glibc

// MARK: - Options

/// What the command line asks for; the defaults are Qwen1.5-MoE-A2.7B with four layers.
struct Options {
  var output = ""
  var layers = 4
  var experts = 60
  var hidden = 2048
  var width = 1408
  var shared = 5632
  var topK = 4
  var heads = 16
  var keyValueHeads = 16
  var vocabulary = 151_936
  var tokens = 20_000
  var seed = 1
  var shardBytes = 4_000_000_000

  static let usage = """
    usage: make-synthetic OUT [--layers 4] [--experts 60] [--hidden 2048] [--width 1408]
             [--shared 5632] [--top-k 4] [--heads 16] [--kv-heads 16] [--vocab 151936]
             [--tokens 20000] [--seed 1] [--shard-bytes 4000000000]

    """

  static var keys: [String: WritableKeyPath<Options, Int>] {
    [
      "--layers": \.layers, "--experts": \.experts, "--hidden": \.hidden, "--width": \.width,
      "--shared": \.shared, "--top-k": \.topK, "--heads": \.heads, "--kv-heads": \.keyValueHeads,
      "--vocab": \.vocabulary, "--tokens": \.tokens, "--seed": \.seed,
      "--shard-bytes": \.shardBytes,
    ]
  }

  init(_ arguments: [String]) {
    let keys = Self.keys
    var rest = arguments[...]
    while let word = rest.popFirst() {
      if word == "--help" || word == "-h" {
        print(Self.usage, terminator: "")
        exit(0)
      } else if let key = keys[word] {
        guard let text = rest.popFirst(), let value = Int(text), value >= (word == "--seed" ? 0 : 1)
        else { fail("\(word) needs a positive whole number\n\(Self.usage)", status: 64) }
        self[keyPath: key] = value
      } else if word.hasPrefix("-") || !output.isEmpty {
        fail("unexpected argument '\(word)'\n\(Self.usage)", status: 64)
      } else {
        output = word
      }
    }
    if output.isEmpty { fail("no output folder given\n\(Self.usage)", status: 64) }
    if hidden % heads != 0 || heads % keyValueHeads != 0 || hidden / heads % 2 != 0 {
      fail(
        "--hidden must be an even multiple of --heads, --heads a multiple of --kv-heads",
        status: 64
      )
    }
    if topK > experts { fail("--top-k is larger than --experts", status: 64) }
  }
}

/// Says what went wrong and ends the program.
func fail(_ message: String, status: Int32 = 1) -> Never {
  say("make-synthetic: \(message)")
  exit(status)
}

/// Prints a line on standard error.
func say(_ line: String) {
  let bytes = Array((line + "\n").utf8)
  _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
}

// MARK: - Random numbers

/// SplitMix64: one add and a few multiplications per 64 bits, and any seed is a good one.
struct Generator {
  private var state: UInt64

  init(seed: Int, name: String) {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    state = hash ^ (UInt64(truncatingIfNeeded: seed) &* 0x9e37_79b9_7f4a_7c15)
  }

  @inline(__always)
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// Two numbers of mean 0 and variance 1, each a sum of four uniform bytes: near enough to a
  /// normal distribution for weights that are rounded to 8 bits, and cheap.
  @inline(__always)
  mutating func pair() -> (Float, Float) {
    let bits = next()
    let sums = (bits & 0x00ff_00ff_00ff_00ff) &+ ((bits >> 8) & 0x00ff_00ff_00ff_00ff)
    let both = sums &+ (sums >> 16)
    // Mean of four bytes 510, variance 4 * (256^2 - 1) / 12.
    let scale: Float = 0.006_765_928
    return (
      (Float(Int32(truncatingIfNeeded: both & 0xffff)) - 510) * scale,
      (Float(Int32(truncatingIfNeeded: (both >> 32) & 0xffff)) - 510) * scale
    )
  }

  mutating func normals(_ count: Int) -> [Float] {
    (0..<count).map { _ in pair().0 }
  }
}

// MARK: - Tensors

/// How the numbers of a tensor are made.
enum Recipe {
  /// A matrix of the given standard deviation with decaying singular values.
  case weight(deviation: Float)
  /// The same plus one row common to all, so that tokens lean to the same experts.
  case embedding(deviation: Float)
  /// Independent numbers around a mean: norms, biases, routers.
  case independent(mean: Float, deviation: Float)
}

/// One tensor to be written.
struct Tensor {
  var name: String
  var shape: [Int]
  var recipe: Recipe
  var columns: Int { shape[shape.count - 1] }
  var rows: Int { shape.count == 1 ? 1 : shape[0] }
  var byteCount: Int { rows * columns * 2 }
}

/// All tensors in the order in which they are written.
func tensors(_ o: Options) -> [Tensor] {
  var list: [Tensor] = []
  let root = Float(o.hidden).squareRoot()
  let deviation = 0.905 / root  // 0.02 at 2048
  func add(_ name: String, _ shape: [Int], _ recipe: Recipe) {
    list.append(Tensor(name: name, shape: shape, recipe: recipe))
  }
  func weight(_ name: String, _ rows: Int, _ columns: Int) {
    add(name + ".weight", [rows, columns], .weight(deviation: deviation))
  }
  func norm(_ name: String) {
    add(name + ".weight", [o.hidden], .independent(mean: 1, deviation: 0.05))
  }
  func feedForward(_ prefix: String, _ width: Int) {
    weight(prefix + ".gate_proj", width, o.hidden)
    weight(prefix + ".up_proj", width, o.hidden)
    weight(prefix + ".down_proj", o.hidden, width)
  }
  let keyValue = o.hidden / o.heads * o.keyValueHeads
  add("model.embed_tokens.weight", [o.vocabulary, o.hidden], .embedding(deviation: 1))
  for layer in 0..<o.layers {
    let prefix = "model.layers.\(layer)"
    norm(prefix + ".input_layernorm")
    for (name, rows) in [("q", o.hidden), ("k", keyValue), ("v", keyValue)] {
      weight("\(prefix).self_attn.\(name)_proj", rows, o.hidden)
      add("\(prefix).self_attn.\(name)_proj.bias", [rows], .independent(mean: 0, deviation: 0.1))
    }
    weight(prefix + ".self_attn.o_proj", o.hidden, o.hidden)
    norm(prefix + ".post_attention_layernorm")
    // Router logits of deviation 1.2: sharper than uniform, far from one-sided.
    add(
      prefix + ".mlp.gate.weight",
      [o.experts, o.hidden],
      .independent(mean: 0, deviation: 1.2 / root)
    )
    for expert in 0..<o.experts { feedForward("\(prefix).mlp.experts.\(expert)", o.width) }
    feedForward(prefix + ".mlp.shared_expert", o.shared)
    add(
      prefix + ".mlp.shared_expert_gate.weight",
      [1, o.hidden],
      .independent(mean: 0, deviation: deviation)
    )
  }
  norm("model.norm")
  weight("lm_head", o.vocabulary, o.hidden)
  return list
}

/// Makes a tensor and hands it over row by row.
///
/// A weight is `s * (sum of 16 outer products + D1 * noise * D2)`: the outer products, of falling
/// size, carry half of the variance and are its leading directions; the diagonal scales make the
/// rest of the spectrum fall too.
func generate(_ tensor: Tensor, seed: Int, row emit: (UnsafeBufferPointer<UInt16>) -> Void) {
  var generator = Generator(seed: seed, name: tensor.name)
  let columns = tensor.columns
  var rank = 0
  var scale: Float
  var mean: Float = 0
  var common: [Float] = []
  switch tensor.recipe {
  case .weight(let deviation): (rank, scale) = (16, deviation)
  case .embedding(let deviation):
    (rank, scale) = (16, deviation)
    common = generator.normals(columns).map { $0 * 0.4 * deviation }
  case .independent(let centre, let deviation): (mean, scale) = (centre, deviation)
  }
  if common.isEmpty { common = Array(repeating: mean, count: columns) }

  var right: [Float] = []  // [rank, columns], each row scaled by its singular value
  var columnScale = Array(repeating: scale, count: columns)
  if rank > 0 {
    let total = (0..<rank).reduce(Float(0)) { $0 + 1 / Float($1 + 1) }
    for r in 0..<rank {
      let size = scale * (0.5 / (Float(r + 1) * total)).squareRoot()
      right += generator.normals(columns).map { $0 * size }
    }
    // exp(0.5 g) has the mean square exp(0.5); rows and columns each have one, and half the
    // variance is to be left for the noise.
    let share = (0.5 as Float).squareRoot() / expf(0.5)
    columnScale = generator.normals(columns).map { scale * share * expf(0.5 * $0) }
  }

  var values = Array(repeating: Float(0), count: columns)
  var bits = Array(repeating: UInt16(0), count: columns)
  for _ in 0..<tensor.rows {
    let left = generator.normals(rank)
    let rowScale = rank > 0 ? expf(0.5 * generator.pair().0) : 1
    values.withUnsafeMutableBufferPointer { v in
      columnScale.withUnsafeBufferPointer { d in
        common.withUnsafeBufferPointer { c in
          var j = 0
          while j + 1 < columns {
            let (a, b) = generator.pair()
            v[j] = c[j] + rowScale * d[j] * a
            v[j + 1] = c[j + 1] + rowScale * d[j + 1] * b
            j += 2
          }
          if j < columns { v[j] = c[j] + rowScale * d[j] * generator.pair().0 }
        }
      }
      right.withUnsafeBufferPointer { all in
        var r = 0
        while r < rank {  // four at a time: fewer passes over the row
          let (a0, a1, a2, a3) = (left[r], left[r + 1], left[r + 2], left[r + 3])
          let w = r * columns
          for j in 0..<columns {
            v[j] +=
              (a0 * all[w + j] + a1 * all[w + columns + j])
              + (a2 * all[w + 2 * columns + j] + a3 * all[w + 3 * columns + j])
          }
          r += 4
        }
      }
      bits.withUnsafeMutableBufferPointer { b in
        for j in 0..<columns {  // round to nearest, ties to even
          let x = v[j].bitPattern
          b[j] = UInt16(truncatingIfNeeded: (x &+ 0x7fff &+ ((x >> 16) & 1)) >> 16)
        }
      }
    }
    bits.withUnsafeBufferPointer(emit)
  }
}

// MARK: - Files

/// A file written through a buffer of a few megabytes.
final class Output {
  private let path: String
  private let descriptor: Int32
  private var buffer: [UInt8] = []
  private let limit = 4 << 20

  init(_ path: String) {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    if descriptor < 0 { fail("\(path): \(String(cString: strerror(errno)))") }
    buffer.reserveCapacity(limit + 1 << 16)
  }

  func write(_ bytes: UnsafeRawBufferPointer) {
    buffer.append(contentsOf: bytes)
    if buffer.count >= limit { flush() }
  }

  func write(_ text: String) {
    var text = text
    text.withUTF8 { write(UnsafeRawBufferPointer($0)) }
  }

  private func flush() {
    buffer.withUnsafeBytes { all in
      var rest = all[...]
      while !rest.isEmpty {
        let part = UnsafeRawBufferPointer(rebasing: rest)
        let count = Glibc.write(descriptor, part.baseAddress, part.count)
        if count < 0 && errno == EINTR { continue }
        if count <= 0 { fail("\(path): \(String(cString: strerror(errno)))") }
        rest = rest.dropFirst(count)
      }
    }
    buffer.removeAll(keepingCapacity: true)
  }

  func close() {
    flush()
    if Glibc.close(descriptor) != 0 { fail("\(path): \(String(cString: strerror(errno)))") }
  }
}

/// Writes one whole text file.
func write(_ text: String, to path: String) {
  let output = Output(path)
  output.write(text)
  output.close()
}

/// The header of a shard: its length, then JSON padded with spaces to a multiple of 8.
func header(of shard: [Tensor]) -> String {
  var entries: [String] = [#""__metadata__":{"format":"pt"}"#]
  var offset = 0
  for tensor in shard {
    let shape = tensor.shape.map(String.init).joined(separator: ",")
    let end = offset + tensor.byteCount
    entries.append(
      #""\#(tensor.name)":{"dtype":"BF16","shape":[\#(shape)],"data_offsets":[\#(offset),\#(end)]}"#
    )
    offset = end
  }
  let json = "{" + entries.joined(separator: ",") + "}"
  return json + String(repeating: " ", count: (8 - json.utf8.count % 8) % 8)
}

func configuration(_ o: Options) -> String {
  """
  {
    "architectures": ["Qwen2MoeForCausalLM"],
    "attention_dropout": 0.0,
    "bos_token_id": 0,
    "decoder_sparse_step": 1,
    "eos_token_id": 0,
    "hidden_act": "silu",
    "hidden_size": \(o.hidden),
    "initializer_range": 0.02,
    "intermediate_size": \(o.shared),
    "max_position_embeddings": 8192,
    "max_window_layers": \(o.layers),
    "mlp_only_layers": [],
    "model_type": "qwen2_moe",
    "moe_intermediate_size": \(o.width),
    "norm_topk_prob": false,
    "num_attention_heads": \(o.heads),
    "num_experts": \(o.experts),
    "num_experts_per_tok": \(o.topK),
    "num_hidden_layers": \(o.layers),
    "num_key_value_heads": \(o.keyValueHeads),
    "output_router_logits": false,
    "rms_norm_eps": 1e-06,
    "rope_theta": 1000000.0,
    "router_aux_loss_coef": 0.001,
    "shared_expert_intermediate_size": \(o.shared),
    "sliding_window": null,
    "tie_word_embeddings": false,
    "torch_dtype": "bfloat16",
    "use_cache": true,
    "use_sliding_window": false,
    "vocab_size": \(o.vocabulary)
  }

  """
}

// MARK: - Main

func run(_ o: Options) {
  if mkdir(o.output, 0o755) != 0 && errno != EEXIST {
    fail("\(o.output): \(String(cString: strerror(errno)))")
  }

  var shards: [[Tensor]] = [[]]
  var filled = 0
  for tensor in tensors(o) {
    if filled + tensor.byteCount > o.shardBytes && filled > 0 {
      shards.append([])
      filled = 0
    }
    shards[shards.count - 1].append(tensor)
    filled += tensor.byteCount
  }

  func five(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
  }
  var map: [(name: String, file: String)] = []
  var total = 0
  for (index, shard) in shards.enumerated() {
    let file =
      shards.count == 1
      ? "model.safetensors"
      : "model-\(five(index + 1))-of-\(five(shards.count)).safetensors"
    let output = Output(o.output + "/" + file)
    let head = header(of: shard)
    withUnsafeBytes(of: UInt64(head.utf8.count).littleEndian) { output.write($0) }
    output.write(head)
    for tensor in shard {
      generate(tensor, seed: o.seed) { output.write(UnsafeRawBufferPointer($0)) }
      map.append((tensor.name, file))
      total += tensor.byteCount
    }
    output.close()
    say("\(file): \(shard.count) tensors")
  }
  if shards.count > 1 {
    let lines = map.sorted { $0.name < $1.name }.map { #"    "\#($0.name)": "\#($0.file)""# }
    write(
      """
      {
        "metadata": {"total_size": \(total)},
        "weight_map": {
      \(lines.joined(separator: ",\n"))
        }
      }

      """,
      to: o.output + "/model.safetensors.index.json"
    )
  }
  write(configuration(o), to: o.output + "/config.json")
  write(
    """
    {
      "bos_token_id": 0,
      "eos_token_id": 0,
      "max_new_tokens": 2048
    }

    """,
    to: o.output + "/generation_config.json"
  )
  var generator = Generator(seed: o.seed, name: "ids.json")
  let ids = (0..<o.tokens).map { _ in
    String(generator.next().multipliedFullWidth(by: UInt64(o.vocabulary)).high)
  }
  write("[" + ids.joined(separator: ", ") + "]\n", to: o.output + "/ids.json")
  say("\(o.output): \(map.count) tensors, \(total) bytes")
}

run(Options(Array(CommandLine.arguments.dropFirst())))
