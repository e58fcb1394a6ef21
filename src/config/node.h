#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace haumea::config {

// A tree of settings or a REST body: what JSON and YAML have in common. Owns everything; copyable; any
// thread, like a std::string. Object members keep their order; the last of duplicate keys wins. Not for the
// data path.
class Node {
  public:
    using Array = std::vector<Node>;
    using Member = std::pair<std::string, Node>;
    using Object = std::vector<Member>;

    Node() = default;                                      // null
    Node(std::nullptr_t) {}                                // NOLINT: literals read naturally
    Node(bool b) : value_(b) {}                            // NOLINT
    Node(int i) : value_(static_cast<int64_t>(i)) {}       // NOLINT
    Node(int64_t i) : value_(i) {}                         // NOLINT
    Node(uint64_t i) : value_(static_cast<int64_t>(i)) {}  // NOLINT
    Node(double d) : value_(d) {}                          // NOLINT
    Node(const char* s) : value_(std::string(s)) {}        // NOLINT
    Node(std::string s) : value_(std::move(s)) {}          // NOLINT
    Node(std::string_view s) : value_(std::string(s)) {}   // NOLINT
    Node(Array a) : value_(std::move(a)) {}                // NOLINT
    Node(Object o) : value_(std::move(o)) {}               // NOLINT
    static Node MakeObject() { return Node(Object{}); }
    static Node MakeArray() { return Node(Array{}); }

    bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
    bool is_bool() const { return std::holds_alternative<bool>(value_); }
    bool is_int() const { return std::holds_alternative<int64_t>(value_); }
    bool is_double() const { return std::holds_alternative<double>(value_); }
    bool is_number() const { return is_int() || is_double(); }
    bool is_string() const { return std::holds_alternative<std::string>(value_); }
    bool is_array() const { return std::holds_alternative<Array>(value_); }
    bool is_object() const { return std::holds_alternative<Object>(value_); }

    // The caller has checked the kind.
    bool as_bool() const { return std::get<bool>(value_); }
    int64_t as_int() const { return std::get<int64_t>(value_); }
    double as_double() const { return is_int() ? static_cast<double>(as_int()) : std::get<double>(value_); }
    const std::string& as_string() const { return std::get<std::string>(value_); }
    const Array& array() const { return std::get<Array>(value_); }
    Array& array() { return std::get<Array>(value_); }
    const Object& object() const { return std::get<Object>(value_); }
    Object& object() { return std::get<Object>(value_); }

    // Member by name; nullptr when absent or when this is no object. Find is exact, FindNoCase ignores ASCII
    // case (property names match case-insensitively; an exact match wins).
    const Node* Find(std::string_view key) const;
    Node* Find(std::string_view key);
    const Node* FindNoCase(std::string_view key) const;
    // Adds or replaces. Makes a null node an object.
    Node& Set(std::string_view key, Node value);
    bool Erase(std::string_view key);
    void Append(Node value);

    // "null", "boolean", "integer", "number", "string", "array", "object": for error texts.
    std::string_view kind_name() const;

    friend bool operator==(const Node& a, const Node& b) = default;

  private:
    std::variant<std::monostate, bool, int64_t, double, std::string, Array, Object> value_;
};

// Strict RFC 8259; whole numbers that fit become integers. Errors say what was found and at which offset.
// Depth at most 200.
Result<Node> ParseJson(std::string_view text);
// One YAML document. Scalars follow the YAML 1.2 core schema (true/false/null, numbers, else text).
Result<Node> ParseYaml(std::string_view text);

struct JsonStyle {
    int indent = 0;           // 0 = compact, else spaces per level
    bool sort_keys = false;   // as Go prints maps
    bool escape_html = true;  // < > & U+2028 U+2029 as \u escapes, as Go does
};
std::string ToJson(const Node& node, const JsonStyle& style = {});

}  // namespace haumea::config
