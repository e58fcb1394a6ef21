#include "ws/http_head.h"

#include <algorithm>

namespace haumea::ws {
namespace {

constexpr std::string_view kVersionPrefix = "HTTP/1.";

char Lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
bool IsDigit(char c) noexcept { return c >= '0' && c <= '9'; }
bool IsAlpha(char c) noexcept { return Lower(c) >= 'a' && Lower(c) <= 'z'; }

bool IsTokenChar(char c) noexcept {
    constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
    return IsAlpha(c) || IsDigit(c) || kOthers.find(c) != std::string_view::npos;
}

bool IsTargetChar(char c) noexcept { return c > 0x20 && c < 0x7F && c != '#'; }

// Calls `visit(element)` for each element of a comma separated list until it returns true.
template <typename Visit>
bool AnyListElement(std::string_view list, Visit visit) {
    while (true) {
        const size_t comma = list.find(',');
        if (visit(TrimSpace(list.substr(0, comma)))) {
            return true;
        }
        if (comma == std::string_view::npos) {
            return false;
        }
        list.remove_prefix(comma + 1);
    }
}

}  // namespace

bool IsHttpToken(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), IsTokenChar);
}

bool IsHeaderValue(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return c == '\t' || (byte >= 0x20 && byte != 0x7F);
    });
}

bool EqualsIgnoreCase(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return Lower(x) == Lower(y); });
}

std::string_view TrimSpace(std::string_view text) noexcept {
    const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
    while (!text.empty() && is_space(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_space(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

const HeaderField* HttpHead::Find(std::string_view name) const noexcept {
    for (const HeaderField& field : headers) {
        if (EqualsIgnoreCase(field.name, name)) {
            return &field;
        }
    }
    return nullptr;
}

size_t HttpHead::Count(std::string_view name) const noexcept {
    return static_cast<size_t>(std::count_if(headers.begin(), headers.end(), [&](const HeaderField& field) {
        return EqualsIgnoreCase(field.name, name);
    }));
}

bool HttpHead::HasListToken(std::string_view name, std::string_view token) const noexcept {
    return std::any_of(headers.begin(), headers.end(), [&](const HeaderField& field) {
        return EqualsIgnoreCase(field.name, name) &&
               AnyListElement(field.value,
                              [&](std::string_view element) { return EqualsIgnoreCase(element, token); });
    });
}

std::string HttpHead::Joined(std::string_view name) const {
    std::string joined;
    bool first = true;
    for (const HeaderField& field : headers) {
        if (EqualsIgnoreCase(field.name, name)) {
            joined += first ? "" : ", ";
            joined += field.value;
            first = false;
        }
    }
    return joined;
}

HttpHeadReader::HttpHeadReader(Kind kind, HttpHeadLimits limits) : kind_(kind), limits_(limits) {}

void HttpHeadReader::Reset() {
    state_ = State::kReading;
    problem_ = "";
    text_.clear();
    line_begin_ = 0;
    lines_.clear();
    head_ = HttpHead();
}

bool HttpHeadReader::Fail(State state, const char* problem) {
    state_ = state;
    problem_ = problem;
    return false;
}

size_t HttpHeadReader::Feed(std::string_view bytes) {
    size_t taken = 0;
    while (state_ == State::kReading && taken < bytes.size()) {
        const size_t newline = bytes.find('\n', taken);
        const bool whole_line = newline != std::string_view::npos;
        const std::string_view piece = bytes.substr(taken, whole_line ? newline + 1 - taken : newline);
        if (lines_.empty() && !CheckFirstBytes(piece)) {
            break;
        }
        // The two bytes of the line end do not count as the line. The limit that is met first is the one
        // named.
        const size_t line_room = limits_.max_line_bytes + 2 - (text_.size() - line_begin_);
        const size_t head_room = limits_.max_head_bytes - text_.size();
        if (piece.size() > std::min(line_room, head_room)) {
            Fail(State::kTooLarge, line_room < head_room ? "a line of the HTTP head is too long"
                                                         : "the HTTP head is too large");
            break;
        }
        text_ += piece;
        taken += piece.size();
        if (whole_line) {
            TakeLine();
        }
    }
    return taken;
}

// Another protocol on the line (TLS, binary garbage) is noticed at its first bytes, without waiting for a
// line end.
bool HttpHeadReader::CheckFirstBytes(std::string_view piece) {
    if (kind_ == Kind::kRequest) {
        if (text_.empty() && !IsTokenChar(piece.front())) {
            return Fail(State::kBad, "this is not an HTTP request");
        }
        return true;
    }
    for (size_t i = 0; i < piece.size() && text_.size() + i < kVersionPrefix.size(); ++i) {
        if (piece[i] != kVersionPrefix[text_.size() + i]) {
            return Fail(State::kBad, "this is not an HTTP response");
        }
    }
    return true;
}

void HttpHeadReader::TakeLine() {
    std::string_view line = std::string_view(text_).substr(line_begin_);
    line.remove_suffix(1);
    if (line.empty() || line.back() != '\r') {
        Fail(State::kBad, "a line of the HTTP head ends without carriage return");
        return;
    }
    line.remove_suffix(1);
    if (line.empty()) {
        Parse();
        return;
    }
    if (!IsHeaderValue(line)) {
        Fail(State::kBad, "control character in the HTTP head");
        return;
    }
    if (line.front() == ' ' || line.front() == '\t') {
        Fail(State::kBad, "folded header line");
        return;
    }
    if (lines_.size() > limits_.max_headers) {
        Fail(State::kTooLarge, "too many HTTP headers");
        return;
    }
    lines_.emplace_back(line_begin_, line_begin_ + line.size());
    line_begin_ = text_.size();
}

void HttpHeadReader::Parse() {
    if (lines_.empty()) {
        Fail(State::kBad, "empty first line");
        return;
    }
    const std::string_view text = text_;
    head_.headers.reserve(lines_.size() - 1);
    bool first = true;
    for (const auto& [begin, end] : lines_) {
        const std::string_view line = text.substr(begin, end - begin);
        bool good = false;
        if (!first) {
            good = ParseHeader(line);
        } else {
            good = kind_ == Kind::kRequest ? ParseRequestLine(line) : ParseStatusLine(line);
        }
        if (!good) {
            return;
        }
        first = false;
    }
    state_ = State::kDone;
}

// RFC 9112 3: method SP request-target SP HTTP-version, single spaces.
bool HttpHeadReader::ParseRequestLine(std::string_view line) {
    const size_t method_end = line.find(' ');
    const size_t target_end = line.rfind(' ');
    if (method_end == std::string_view::npos || target_end <= method_end + 1) {
        return Fail(State::kBad, "malformed request line");
    }
    head_.method = line.substr(0, method_end);
    head_.target = line.substr(method_end + 1, target_end - method_end - 1);
    const std::string_view version = line.substr(target_end + 1);
    if (!IsHttpToken(head_.method)) {
        return Fail(State::kBad, "malformed method");
    }
    if (!std::all_of(head_.target.begin(), head_.target.end(), IsTargetChar)) {
        return Fail(State::kBad, "character in the request target that has to be percent-encoded");
    }
    if (version.size() != kVersionPrefix.size() + 1 || !version.starts_with(kVersionPrefix) ||
        !IsDigit(version.back())) {
        return Fail(State::kBad, "HTTP version is not 1.x");
    }
    head_.minor_version = version.back() - '0';
    return true;
}

// RFC 9112 4: HTTP-version SP status-code SP [reason]. The last space is missing in practice.
bool HttpHeadReader::ParseStatusLine(std::string_view line) {
    constexpr size_t kStatusAt = kVersionPrefix.size() + 2;
    const bool shaped = line.size() >= kStatusAt + 3 && line.starts_with(kVersionPrefix) &&
                        IsDigit(line[kVersionPrefix.size()]) && line[kStatusAt - 1] == ' ' &&
                        line[kStatusAt] >= '1' && line[kStatusAt] <= '9' && IsDigit(line[kStatusAt + 1]) &&
                        IsDigit(line[kStatusAt + 2]) &&
                        (line.size() == kStatusAt + 3 || line[kStatusAt + 3] == ' ');
    if (!shaped) {
        return Fail(State::kBad, "malformed status line");
    }
    head_.minor_version = line[kVersionPrefix.size()] - '0';
    head_.status =
        (line[kStatusAt] - '0') * 100 + (line[kStatusAt + 1] - '0') * 10 + (line[kStatusAt + 2] - '0');
    head_.status_text = TrimSpace(line.substr(kStatusAt + 3));
    return true;
}

// RFC 9112 5: no space before the colon.
bool HttpHeadReader::ParseHeader(std::string_view line) {
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || !IsHttpToken(line.substr(0, colon))) {
        return Fail(State::kBad, "malformed header name");
    }
    head_.headers.push_back({line.substr(0, colon), TrimSpace(line.substr(colon + 1))});
    return true;
}

}  // namespace haumea::ws
