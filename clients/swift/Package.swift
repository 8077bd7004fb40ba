// swift-tools-version: 5.9
import PackageDescription

let package = Package(
    name: "latchkey-client",
    platforms: [.iOS(.v16), .macOS(.v13), .tvOS(.v16), .watchOS(.v9)],
    products: [.library(name: "LatchkeyClient", targets: ["LatchkeyClient"])],
    targets: [
        .target(name: "LatchkeyClient"),
        .executableTarget(name: "conformance-driver", dependencies: ["LatchkeyClient"]),
        .testTarget(name: "LatchkeyClientTests", dependencies: ["LatchkeyClient"]),
    ]
)
