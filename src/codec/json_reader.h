#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "codec/json_index.h"
#include "data/value.h"

namespace haumea::codec {

// Second pass over a JSON text: a cursor over its tokens that reads values or skips them, strict RFC 8259 in
// both cases. Owned by one decoder; one thread. Every method returns false when the text is wrong; error()
// says why and where.
class JsonReader {
  public:
    struct Options {
        int max_depth = 128;
        // Numbers without a point become kInt; such as do not fit are errors.
        bool whole_numbers_as_int = false;
    };
    explicit JsonReader(Options options) : options_(options) {}

    // Starts on `text`, which has Buffer::kPadding readable bytes behind its end and lives as long as what is
    // read.
    bool Start(std::string_view text) noexcept;
    // After the top-level value: nothing may follow.
    bool Finish() noexcept;

    // First character of the next token; '\0' at the end.
    char Peek() const noexcept { return at_ < index_.count() ? text_[offset()] : '\0'; }
    // "number", "string", "true", "false", "object", "array", "null" for the next value: words of error
    // texts.
    std::string_view KindOfNext() const noexcept;
    // The bytes of the next token when it is a number, true, false or null.
    std::string_view ScalarToken() const noexcept { return {text_ + offset(), TokenEnd() - offset()}; }

    // Walks an object: after EnterObject call NextMember until it gives false or `done`; read or skip the
    // value each time.
    bool EnterObject() noexcept;
    bool NextMember(Arena& arena, std::string_view& key, bool& done) noexcept;
    bool EnterArray() noexcept;
    bool NextElement(bool& done) noexcept;

    // A whole value of any kind; strings without escapes are views into the text.
    bool ReadValue(Arena& arena, Value& value) noexcept;
    bool ReadString(Arena& arena, std::string_view& text) noexcept;
    bool ReadDouble(double& number) noexcept;
    // true, false or null.
    bool ReadWord(Value& value) noexcept;
    bool SkipValue() noexcept;

    const std::string& error() const noexcept { return error_; }
    // For callers that find something wrong with what was read.
    bool FailWith(std::string text) noexcept {
        error_ = std::move(text);
        return false;
    }

  private:
    uint32_t offset() const noexcept { return index_.offsets()[at_]; }
    size_t TokenEnd() const noexcept;
    bool Fail(const char* what) noexcept;
    bool RawString(std::string_view& raw) noexcept;
    bool ReadNumber(Value& value) noexcept;
    bool ReadObject(Arena& arena, Value& value) noexcept;
    bool ReadArray(Arena& arena, Value& value) noexcept;
    bool SkipObject() noexcept;
    bool SkipArray() noexcept;
    bool SkipString() noexcept;

    Options options_;
    JsonIndex index_;
    const char* text_ = nullptr;
    size_t size_ = 0;
    uint32_t at_ = 0;  // next token
    int depth_ = 0;
    bool first_ = false;          // the innermost container was just entered
    bool has_escapes_ = true;     // there is a backslash somewhere in the text
    std::vector<Value> items_;    // stack of the arrays being read
    std::vector<Field> members_;  // stack of the objects being read
    std::string error_;
};

}  // namespace haumea::codec
