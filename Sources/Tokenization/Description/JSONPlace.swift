import JSON

/// A value inside a JSON file together with the way to it, so that errors can name it.
struct JSONPlace {
  /// The value.
  let value: JSONValue
  /// The keys that lead to it, as in `decoder.decoders[2]`.
  let path: String
  /// The file's name.
  let file: String

  /// The value of `key`; absent and null are the same.
  func optional(_ key: String) throws(TokenizationError) -> JSONPlace? {
    guard case .object(let object) = value else { throw wrong("an object") }
    guard let member = object[key], !member.isNull else { return nil }
    return JSONPlace(value: member, path: path.isEmpty ? key : path + "." + key, file: file)
  }

  /// The value of `key`, which must be there.
  func required(_ key: String) throws(TokenizationError) -> JSONPlace {
    guard let place = try optional(key) else {
      throw .malformed(
        file: file,
        place: path.isEmpty ? "the whole" : path,
        expected: "the key \(quoted(key))",
        got: "none"
      )
    }
    return place
  }

  /// The elements of an array.
  func elements() throws(TokenizationError) -> [JSONPlace] {
    guard let values = value.array else { throw wrong("an array") }
    return values.enumerated().map {
      JSONPlace(value: $0.element, path: "\(path)[\($0.offset)]", file: file)
    }
  }

  /// The string that stands here.
  func string() throws(TokenizationError) -> String {
    guard let string = value.string else { throw wrong("a string") }
    return string
  }

  /// The one code point that stands here.
  func scalar() throws(TokenizationError) -> Unicode.Scalar {
    guard let scalars = value.string?.unicodeScalars, scalars.count == 1,
      let scalar = scalars.first
    else { throw wrong("a string of one code point") }
    return scalar
  }

  /// The count that stands under `key`.
  func count(_ key: String) throws(TokenizationError) -> Int {
    let place = try required(key)
    guard let count = place.value.integer, count >= 0 else {
      throw place.wrong("a whole number from 0 up")
    }
    return count
  }

  /// The truth value under `key`.
  func bool(_ key: String, default missing: Bool) throws(TokenizationError) -> Bool {
    guard let place = try optional(key) else { return missing }
    guard let bool = place.value.bool else { throw place.wrong("true or false") }
    return bool
  }

  /// The case of `Choice` that is named under `key`.
  func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ key: String,
    default missing: Choice? = nil
  ) throws(TokenizationError) -> Choice {
    if let missing, try optional(key) == nil { return missing }
    let place = try required(key)
    guard let choice = Choice(rawValue: try place.string()) else {
      throw place.wrong(Choice.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return choice
  }

  /// The error that something else stands here.
  func wrong(_ expected: String) -> TokenizationError {
    let got: String =
      switch value {
      case .null: "null"
      case .bool(let bool): "\(bool)"
      case .number(let literal): literal
      case .string(let string): quoted(string)
      case .array(let array): "an array of \(array.count)"
      case .object(let object): "an object of \(object.count) members"
      }
    return .malformed(
      file: file,
      place: path.isEmpty ? "the whole" : path,
      expected: expected,
      got: got
    )
  }

  /// The error that what stands here, or under `key`, is beyond this program.
  func unsupported(
    _ got: String,
    supported: String,
    key: String? = nil
  ) -> TokenizationError {
    let place = key.map { path.isEmpty ? $0 : path + "." + $0 } ?? path
    return .unsupported(file: file, place: place, got: got, supported: supported)
  }
}
