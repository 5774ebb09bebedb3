// swift-tools-version: 6.2
import PackageDescription

// Fuzzing, outside the normal build: `make fuzz` runs it. `Sources` and `TestSupport` are links into
// the package around this one, so that the modules are built here with whatever instrumentation is
// asked for, their `package` declarations are in reach, and only what the targets need is built.
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

let package = Package(
  name: "moepack-fuzz",
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
      "Conversion",
      [
        "Checkpoint", "GGUF", "ImportanceMatrix", "JSON", "LinearAlgebra", "Pack", "Parallelism",
        "Safetensors", "Storage", "Tensors", "Tokenization", system,
      ]
    ),
    .target(
      name: "TestSupport",
      dependencies: ["JSON", "Storage", "Tensors", system],
      path: "TestSupport",
      swiftSettings: settings
    ),
    .target(
      name: "Targets",
      dependencies: [
        "Checkpoint", "Conversion", "GGUF", "ImportanceMatrix", "Inference", "JSON",
        "LinearAlgebra", "Pack", "Safetensors", "Storage", "Tensors", "TestSupport", "Tokenization",
        "Zstandard", system,
      ],
      path: "Targets",
      swiftSettings: settings
    ),
    .executableTarget(
      name: "fuzz",
      dependencies: ["Targets", "TestSupport"],
      path: "Driver",
      swiftSettings: settings
    ),
  ],
  swiftLanguageModes: [.v6]
)

// libFuzzer brings its own main: `FUZZ_COVERAGE=1 swift build --sanitize=fuzzer --product coverage`.
if Context.environment["FUZZ_COVERAGE"] != nil {
  package.targets.append(
    .executableTarget(
      name: "coverage",
      dependencies: ["Targets", "TestSupport"],
      path: "Coverage",
      swiftSettings: settings
    )
  )
}
