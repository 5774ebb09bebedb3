import ArgumentParser
import Commands

/// Where the program starts; everything else is in `Commands`.
@main
enum Entry {
  static func main() async {
    await MoepackCommand.start()
  }
}
