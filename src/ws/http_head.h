#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace haumea::ws {

// One header line. Views into the HttpHeadReader that read it.
struct HeaderField {
    std::string_view name;
    std::string_view value;  // without white space around
};

// Start line and headers of an HTTP/1.1 message. Every view points into the reader and lives as long as it
// does.
struct HttpHead {
    // Of a request: "GET", "/x?y", 1 for HTTP/1.1.
    std::string_view method;
    std::string_view target;
    // Of a response: 101, "Switching Protocols".
    int status = 0;
    std::string_view status_text;

    int minor_version = 1;
    std::vector<HeaderField> headers;

    // First header of that name (any case), null when there is none.
    const HeaderField* Find(std::string_view name) const noexcept;
    size_t Count(std::string_view name) const noexcept;
    // Does a header that holds a comma separated list name `token`, in any case? All lines of that name
    // count.
    bool HasListToken(std::string_view name, std::string_view token) const noexcept;
    // All lines of that name joined with ", ".
    std::string Joined(std::string_view name) const;
};

struct HttpHeadLimits {
    size_t max_head_bytes = 16384;  // start line and headers with all line ends
    size_t max_line_bytes = 8192;
    size_t max_headers = 100;
};

// Reads the head of an HTTP/1.1 request or response from any pieces, bounded and strict (RFC 9112): CRLF line
// ends only, no NUL or other control characters, no folded lines, token names without space before the colon.
// Needed because this head decides where the frames begin. One owner, one thread; keeps at most
// max_head_bytes.
class HttpHeadReader {
  public:
    enum class Kind : uint8_t { kRequest, kResponse };
    enum class State : uint8_t {
        kReading,
        kDone,
        kBad,       // malformed: 400
        kTooLarge,  // a limit: 431 (414 is not distinguished)
    };

    explicit HttpHeadReader(Kind kind, HttpHeadLimits limits = {});
    HttpHeadReader(const HttpHeadReader&) = delete;
    HttpHeadReader& operator=(const HttpHeadReader&) = delete;

    // Takes bytes up to the end of the head and returns how many it took; what follows belongs to the next
    // protocol. Takes nothing once the state is not kReading.
    size_t Feed(std::string_view bytes);

    State state() const noexcept { return state_; }
    // kDone only.
    const HttpHead& head() const noexcept { return head_; }
    // kBad and kTooLarge: what is wrong, in plain words.
    const char* problem() const noexcept { return problem_; }
    // Bytes of the head taken so far.
    size_t head_bytes() const noexcept { return text_.size(); }
    // Makes ready for another head on the same connection (interim responses, CONNECT).
    void Reset();

  private:
    bool CheckFirstBytes(std::string_view piece);
    void TakeLine();
    void Parse();
    bool ParseRequestLine(std::string_view line);
    bool ParseStatusLine(std::string_view line);
    bool ParseHeader(std::string_view line);
    bool Fail(State state, const char* problem);

    Kind kind_;
    HttpHeadLimits limits_;
    State state_ = State::kReading;
    const char* problem_ = "";
    std::string text_;
    size_t line_begin_ = 0;
    std::vector<std::pair<size_t, size_t>> lines_;  // begin, end without CRLF
    HttpHead head_;
};

// RFC 9110 5.6.2: one or more of the characters of a method or header name.
bool IsHttpToken(std::string_view text) noexcept;
// Visible characters, spaces, tabs and bytes from 0x80 on; no CR, LF, NUL or other control characters.
bool IsHeaderValue(std::string_view text) noexcept;
bool EqualsIgnoreCase(std::string_view a, std::string_view b) noexcept;
std::string_view TrimSpace(std::string_view text) noexcept;

}  // namespace haumea::ws
