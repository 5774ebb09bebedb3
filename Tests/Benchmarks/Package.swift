// swift-tools-version: 6.2
import PackageDescription

// Measurements, outside the normal build: `make bench` runs them. They call the built tool, as a
// user would, and so need neither the libraries nor a dependency.
let package = Package(
  name: "moepack-benchmarks",
  targets: [
    .executableTarget(name: "make-synthetic", path: "make-synthetic"),
    .executableTarget(name: "measure", path: "measure"),
  ],
  swiftLanguageModes: [.v6]
)
