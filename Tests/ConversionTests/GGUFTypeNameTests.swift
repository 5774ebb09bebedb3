import GGUF
import Testing

@testable import Conversion

@Suite("Values of GGUF metadata as they are typed")
struct GGUFTypeNameTests {
  private func value(_ text: String, _ type: String) throws -> GGUFValue {
    try #require(GGUFTypeName(type)).value(of: text)
  }

  @Test("the twelve types have names, and brackets make arrays of them")
  func names() throws {
    #expect(GGUFTypeName.names.count == 12)
    for name in GGUFTypeName.names {
      #expect(GGUFTypeName(name)?.description == name)
      #expect(GGUFTypeName("[\(name)]")?.description == "[\(name)]")
      #expect(GGUFTypeName("[\(name)]")?.isArray == true)
    }
    for name in ["", "arr", "[arr]", "[]", "[[u8]]", "U8", "u33", "string", "[u8", " u8"] {
      #expect(GGUFTypeName(name) == nil, "\(name)")
    }
  }

  @Test("every value is written back in its own type")
  func values() throws {
    #expect(try value("255", "u8") == .uint8(255))
    #expect(try value("-128", "i8") == .int8(-128))
    #expect(try value("65535", "u16") == .uint16(65_535))
    #expect(try value("-32768", "i16") == .int16(-32_768))
    #expect(try value("4294967295", "u32") == .uint32(.max))
    #expect(try value("-2147483648", "i32") == .int32(.min))
    #expect(try value("18446744073709551615", "u64") == .uint64(.max))
    #expect(try value("-9223372036854775808", "i64") == .int64(.min))
    #expect(try value("0.1", "f32") == .float32(0.1))
    #expect(try value("1e-300", "f64") == .float64(1e-300))
    #expect(try value("true", "bool") == .bool(true))
    #expect(try value("", "str") == .string(""))
    #expect(try value("a=b:c", "str") == .string("a=b:c"))
  }

  @Test("an array is a JSON list of its type")
  func arrays() throws {
    #expect(try value("[]", "[u32]") == .array(GGUFArray([] as [UInt32])))
    #expect(try value("[1, 2]", "[u8]") == .array(GGUFArray([1, 2] as [UInt8])))
    #expect(try value("[-1]", "[i8]") == .array(GGUFArray([-1] as [Int8])))
    #expect(try value("[7]", "[u16]") == .array(GGUFArray([7] as [UInt16])))
    #expect(try value("[-7]", "[i16]") == .array(GGUFArray([-7] as [Int16])))
    #expect(try value("[-7]", "[i32]") == .array(GGUFArray([-7] as [Int32])))
    #expect(
      try value("[18446744073709551615]", "[u64]") == .array(GGUFArray([.max] as [UInt64]))
    )
    #expect(try value("[-7]", "[i64]") == .array(GGUFArray([-7] as [Int64])))
    #expect(try value("[0.5, 1e3]", "[f32]") == .array(GGUFArray([0.5, 1000] as [Float])))
    #expect(try value("[0.1]", "[f64]") == .array(GGUFArray([0.1] as [Double])))
    #expect(try value("[true,false]", "[bool]") == .array(GGUFArray([true, false])))
    #expect(try value(#"["é","a\nb"]"#, "[str]") == .array(GGUFArray(["é", "a\nb"])))
  }

  @Test(
    "what is no value of a type is refused",
    arguments: [
      ("256", "u8", "0...255"), ("-1", "u64", "0...18446744073709551615"),
      ("128", "i8", "-128...127"), ("9223372036854775808", "i64", "range"),
      ("", "u32", "whole number"), ("1.0", "u32", "whole number"), ("0x10", "u32", "whole number"),
      (" 1", "u32", "whole number"), ("1e3", "u32", "whole number"), ("-", "i32", "whole number"),
      ("1e39", "f32", "range"), ("-1e999", "f64", "range"), ("nan", "f32", "no number"),
      ("inf", "f64", "no number"), ("0x1p3", "f32", "no number"), ("", "f64", "no number"),
      ("yes", "bool", "true or false"), ("1", "bool", "true or false"), ("a\0b", "str", "NUL"),
      ("1", "[u8]", "JSON list"), ("{}", "[u8]", "JSON list"), ("[1,]", "[u8]", "JSON list"),
      ("[256]", "[u8]", "0...255"), ("[1, \"2\"]", "[u8]", "another type"),
      ("[[1]]", "[u8]", "another type"), ("[1]", "[str]", "another type"),
      ("[1]", "[bool]", "another type"), ("[null]", "[f32]", "another type"),
      ("[1.5]", "[i32]", "whole number"), ("[\"a\\u0000\"]", "[str]", "NUL"),
    ]
  )
  func refused(text: String, type: String, words: String) throws {
    let name = try #require(GGUFTypeName(type))
    let misfit = #expect(throws: GGUFTypeName.Misfit.self) { try name.value(of: text) }
    #expect(misfit?.reason.contains(words) == true, "\(misfit?.reason ?? "")")
  }
}
