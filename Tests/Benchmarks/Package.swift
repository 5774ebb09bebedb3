// swift-tools-version: 6.2
import PackageDescription

// Measurements, outside the normal build: `make bench` runs them; docs/benchmarks.md says what each
// row means. `Sources` is a link into the package around this one, so that the workers reach the
// `package` declarations they time and only the modules they need are built.
let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")

/// A library target of the package around this one.
func room(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(
    name: name,
    dependencies: dependencies,
    path: "Sources/\(name)",
    swiftSettings: settings
  )
}

/// A program that times one thing of the library whenever it is asked to.
func worker(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .executableTarget(
    name: name,
    dependencies: ["JSON", "Worker"] + dependencies,
    path: "Workers/\(name)",
    swiftSettings: settings
  )
}

let package = Package(
  name: "moepack-benchmarks",
  dependencies: [
    .package(url: "https://github.com/apple/swift-system", exact: "1.8.1")
  ],
  targets: [
    .systemLibrary(name: "CZstd", path: "Sources/CZstd", pkgConfig: "libzstd"),
    .target(name: "CKernels", path: "Sources/CKernels"),
    .systemLibrary(name: "COpenBLAS", path: "Sources/COpenBLAS", pkgConfig: "openblas"),
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
    room("Tokenization", ["JSON"]),
    room(
      "Calibration",
      [
        "CKernels", "Checkpoint", "ImportanceMatrix", "Inference", "JSON", "LinearAlgebra",
        "Parallelism", "Safetensors", "Storage", "Tensors", system,
      ]
    ),
    // The search alone: all of Compression needs Evaluation, and that a cryptography package.
    .target(
      name: "Compression",
      dependencies: ["Calibration", "Inference", "JSON", "LinearAlgebra", "Parallelism"],
      path: "Sources/Compression/Planning",
      exclude: [
        "CompressionPlan+Frequencies.swift", "CompressionPlan+Reading.swift",
        "CompressionPlan.swift", "MethodOptions+Reading.swift", "PruningCounts.swift",
        "RankAllocation.swift", "ReceptionField.swift", "SizeEstimate.swift",
      ],
      swiftSettings: settings
    ),
    .executableTarget(name: "make-synthetic", path: "make-synthetic"),
    .target(name: "Worker", dependencies: ["JSON"], path: "Worker", swiftSettings: settings),
    worker("blocks", ["LinearAlgebra", "Safetensors", "Tensors", system]),
    worker("codec", ["CKernels", "Pack", "Storage", "Tensors"]),
    worker("factor", ["LinearAlgebra", "Safetensors", "Tensors", system]),
    worker("search", ["Calibration", "Compression", "Inference", "LinearAlgebra"]),
    worker("tokenize", ["Tokenization"]),
    .executableTarget(
      name: "bench",
      dependencies: ["JSON"],
      path: "Driver",
      swiftSettings: settings
    ),
  ],
  swiftLanguageModes: [.v6]
)
