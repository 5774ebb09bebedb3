// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")

/// A library target; imports go downwards only, so its dependencies stand above it.
func room(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

/// The tests of a library target.
func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(
    name: "\(name)Tests",
    dependencies: [.target(name: name)] + dependencies,
    swiftSettings: settings
  )
}

let package = Package(
  name: "moepack",
  products: [
    .executable(name: "moepack", targets: ["moepack"])
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
    .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
  ],
  targets: [
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    .target(name: "CKernels"),
    .target(name: "CCalibrationText"),
    .systemLibrary(
      name: "COpenBLAS",
      pkgConfig: "openblas",
      providers: [.apt(["libopenblas-dev"])]
    ),
    room("Parallelism", []),
    room("LinearAlgebra", ["COpenBLAS", "Parallelism"]),
    room("JSON", []),
    room("Storage", ["CKernels", "JSON", system]),
    room("Zstandard", ["CZstd"]),
    room("Tensors", ["CKernels"]),
    room("Safetensors", ["JSON", "Storage", "Tensors", system]),
    room("GGUF", ["JSON", "Storage", "Tensors", system]),
    room("ImportanceMatrix", ["GGUF", "JSON", "Storage", "Tensors", system]),
    room("Pack", ["CKernels", "JSON", "Parallelism", "Storage", "Tensors", "Zstandard", system]),
    room("Tokenization", ["JSON"]),
    room(
      "Checkpoint",
      [
        "CKernels", "GGUF", "JSON", "Pack", "Safetensors", "Storage", "Tensors", "Tokenization",
        system,
      ]
    ),
    room(
      "Inference",
      [
        "CKernels", "Checkpoint", "JSON", "LinearAlgebra", "Parallelism", "Storage", "Tensors",
        system,
      ]
    ),
    room(
      "Evaluation",
      [
        "CCalibrationText", "CKernels", "Checkpoint", "Inference", "JSON", "LinearAlgebra",
        "Parallelism", "Safetensors", "Storage", "Tensors", "Tokenization", "Zstandard", system,
        .product(name: "Crypto", package: "swift-crypto"),
      ]
    ),
    room(
      "Conversion",
      [
        "Checkpoint", "GGUF", "ImportanceMatrix", "JSON", "LinearAlgebra", "Pack", "Parallelism",
        "Safetensors", "Storage", "Tensors", "Tokenization", system,
      ]
    ),
    room(
      "Calibration",
      [
        "CKernels", "Checkpoint", "ImportanceMatrix", "Inference", "JSON", "LinearAlgebra",
        "Parallelism", "Safetensors", "Storage", "Tensors", system,
      ]
    ),
    room(
      "Compression",
      [
        "Calibration", "Checkpoint", "Evaluation", "ImportanceMatrix", "Inference", "JSON",
        "LinearAlgebra", "Pack", "Parallelism", "Storage", "Tensors", system,
      ]
    ),
    room(
      "Commands",
      [
        "Calibration", "Checkpoint", "Compression", "Conversion", "Evaluation", "GGUF",
        "ImportanceMatrix", "JSON", "LinearAlgebra", "Pack", "Safetensors", "Storage", "Tensors",
        "Tokenization", "Zstandard",
        system, .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]
    ),
    .executableTarget(
      name: "moepack",
      dependencies: [
        "Commands", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: settings
    ),
    .target(
      name: "Fixtures",
      path: "Fixtures",
      exclude: [
        "README.md", "fuzz", "ggml-tokenizer-cases.json", "gguf", "make_ggml_tokenizer_cases.py",
        "make_gguf.py", "make_imatrix.py", "make_normalization_data.py",
        "make_tokenizer_cases.py", "models",
        "oracles",
        "text",
        "tokenizer-cases.json",
      ],
      swiftSettings: settings
    ),
    .target(
      name: "TestSupport",
      dependencies: ["JSON", "Storage", "Tensors", system],
      path: "Tests/TestSupport",
      swiftSettings: settings
    ),
    tests("JSON", []),
    tests("Storage", ["JSON", "TestSupport", system]),
    tests("Tensors", ["CKernels", "Fixtures", "Safetensors", "TestSupport", system]),
    tests("Safetensors", ["JSON", "Storage", "Tensors", "TestSupport", system]),
    tests("GGUF", ["Fixtures", "JSON", "Storage", "Tensors", "TestSupport", system]),
    tests(
      "ImportanceMatrix",
      ["Fixtures", "GGUF", "Safetensors", "Storage", "Tensors", "TestSupport", system]
    ),
    tests(
      "Pack",
      ["CKernels", "JSON", "Storage", "Tensors", "TestSupport", "Zstandard", system]
    ),
    tests(
      "Checkpoint",
      [
        "Fixtures", "GGUF", "JSON", "Pack", "Storage", "Tensors", "TestSupport", "Tokenization",
        system,
      ]
    ),
    tests(
      "Conversion",
      [
        "Checkpoint", "Fixtures", "GGUF", "JSON", "Pack", "Safetensors", "Storage", "Tensors",
        "TestSupport", system,
      ]
    ),
    tests("Parallelism", []),
    tests("LinearAlgebra", []),
    tests("Tokenization", ["Fixtures", "JSON"]),
    tests(
      "Compression",
      [
        "Calibration", "Checkpoint", "Evaluation", "Fixtures", "ImportanceMatrix", "Inference",
        "JSON", "LinearAlgebra", "Safetensors", "Storage", "Tensors", "TestSupport", system,
      ]
    ),
    tests(
      "Inference",
      ["Checkpoint", "Fixtures", "LinearAlgebra", "Safetensors", "Tensors", system]
    ),
    tests(
      "Evaluation",
      ["Checkpoint", "Fixtures", "JSON", "Safetensors", "Tensors", "Tokenization", system]
    ),
    .testTarget(
      name: "CommandTests",
      dependencies: [
        "Commands", "Fixtures", "GGUF", "ImportanceMatrix", "JSON", "Safetensors", "Storage",
        "Tensors", "TestSupport", "Zstandard", system,
      ],
      swiftSettings: settings
    ),
  ],
  swiftLanguageModes: [.v6]
)
