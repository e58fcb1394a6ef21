#include <cmath>

#include "base/utf8.h"
#include "config/node.h"

namespace haumea::config {
namespace {

constexpr int kMaxDepth = 200;

// Length of the well-formed UTF-8 sequence at the start of `text` (Unicode 15, table 3-7), 0 when there is
// none.
size_t Utf8Length(std::string_view text) {
    const auto byte = [text](size_t i) { return static_cast<uint8_t>(text[i]); };
    const auto tail = [&](size_t i) { return i < text.size() && (byte(i) & 0xC0U) == 0x80U; };
    const uint8_t lead = byte(0);
    if (lead < 0x80) {
        return 1;
    }
    if (lead >= 0xC2 && lead <= 0xDF) {
        return tail(1) ? 2 : 0;
    }
    if (lead >= 0xE0 && lead <= 0xEF) {
        const bool ok =
            tail(1) && tail(2) && !(lead == 0xE0 && byte(1) < 0xA0) && !(lead == 0xED && byte(1) > 0x9F);
        return ok ? 3 : 0;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        const bool ok = tail(1) && tail(2) && tail(3) && !(lead == 0xF0 && byte(1) < 0x90) &&
                        !(lead == 0xF4 && byte(1) > 0x8F);
        return ok ? 4 : 0;
    }
    return 0;
}

// "the last of duplicate keys wins", at the place of the first. Sorting keeps huge hostile objects cheap.
void DropDuplicates(Node::Object& members) {
    constexpr size_t kLinear = 16;
    if (members.size() <= 1) {
        return;
    }
    std::vector<size_t> order(members.size());
    for (size_t i = 0; i < order.size(); ++i) {
        order[i] = i;
    }
    const auto less = [&members](size_t a, size_t b) {
        const int compared = members[a].first.compare(members[b].first);
        return compared != 0 ? compared < 0 : a < b;
    };
    bool unique = true;
    if (members.size() <= kLinear) {
        for (size_t i = 1; unique && i < members.size(); ++i) {
            unique = std::none_of(members.begin(), members.begin() + static_cast<ptrdiff_t>(i),
                                  [&](const Node::Member& m) { return m.first == members[i].first; });
        }
        if (unique) {
            return;
        }
    }
    std::sort(order.begin(), order.end(), less);
    std::vector<bool> superseded(members.size(), false);
    for (size_t i = 0; i < order.size();) {
        size_t last = i;
        while (last + 1 < order.size() && members[order[last + 1]].first == members[order[i]].first) {
            superseded[order[++last]] = true;
        }
        if (last != i) {
            members[order[i]].second = std::move(members[order[last]].second);
        }
        i = last + 1;
    }
    Node::Object kept;
    kept.reserve(members.size());
    for (size_t i = 0; i < members.size(); ++i) {
        if (!superseded[i]) {
            kept.push_back(std::move(members[i]));
        }
    }
    members = std::move(kept);
}

// Recursive descent over one text. The messages use the words that REST clients know from Go's decoder.
class JsonReader {
  public:
    explicit JsonReader(std::string_view text) : text_(text) {}

    Result<Node> Document() {
        SkipSpace();
        HAUMEA_TRY(Node node, ParseValue(0));
        SkipSpace();
        if (at_ != text_.size()) {
            return Unexpected("after top-level value");
        }
        return node;
    }

  private:
    void SkipSpace() {
        while (at_ < text_.size() &&
               (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) {
            ++at_;
        }
    }

    tl::unexpected<Error> Unexpected(std::string_view where) const {
        if (at_ >= text_.size()) {
            return Fail(Error("unexpected end of JSON input"));
        }
        const char c = text_[at_];
        std::string shown;
        if (c == '\'') {
            shown = "'\\''";
        } else if (c >= 0x20 && c < 0x7F) {
            shown = fmt::format("'{}'", c);
        } else if (const size_t n = Utf8Length(text_.substr(at_)); n > 1) {
            shown = fmt::format("'{}'", text_.substr(at_, n));
        } else {
            shown = fmt::format("'\\x{:02x}'", static_cast<uint8_t>(c));
        }
        return Failf("invalid character {} {} (offset {})", shown, where, at_);
    }

    Result<Node> ParseValue(int depth) {
        if (at_ >= text_.size()) {
            return Unexpected("");
        }
        switch (text_[at_]) {
            case '{':
                return ParseObject(depth + 1);
            case '[':
                return ParseArray(depth + 1);
            case '"': {
                HAUMEA_TRY(std::string text, ParseString());
                return Node(std::move(text));
            }
            case 't':
                return ParseLiteral("true", Node(true));
            case 'f':
                return ParseLiteral("false", Node(false));
            case 'n':
                return ParseLiteral("null", Node());
            default:
                return ParseNumber();
        }
    }

    Result<Node> ParseLiteral(std::string_view word, Node value) {
        for (const char expected : word) {
            if (at_ >= text_.size() || text_[at_] != expected) {
                return Unexpected(fmt::format("in literal {} (expecting '{}')", word, expected));
            }
            ++at_;
        }
        return value;
    }

    size_t SkipDigits() {
        const size_t start = at_;
        while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
            ++at_;
        }
        return at_ - start;
    }

    Result<Node> ParseNumber() {
        const size_t start = at_;
        const bool negative = text_[at_] == '-';
        at_ += negative ? 1 : 0;
        if (at_ >= text_.size() || text_[at_] < '0' || text_[at_] > '9') {
            return Unexpected(negative ? "in numeric literal" : "looking for beginning of value");
        }
        if (text_[at_] == '0') {
            ++at_;  // no digits may follow: 01 is two values
        } else {
            SkipDigits();
        }
        bool whole = true;
        if (at_ < text_.size() && text_[at_] == '.') {
            whole = false;
            ++at_;
            if (SkipDigits() == 0) {
                return Unexpected("after decimal point in numeric literal");
            }
        }
        if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
            whole = false;
            ++at_;
            if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) {
                ++at_;
            }
            if (SkipDigits() == 0) {
                return Unexpected("in exponent of numeric literal");
            }
        }
        return ConvertNumber(text_.substr(start, at_ - start), whole);
    }

    static Result<Node> ConvertNumber(std::string_view digits, bool whole) {
        const char* end = digits.data() + digits.size();
        if (int64_t value = 0; whole && std::from_chars(digits.data(), end, value).ec == std::errc()) {
            return Node(value);
        }
        double value = 0;
        if (std::from_chars(digits.data(), end, value).ec != std::errc()) {
            // Too small becomes 0, as everywhere; too large is an error, not an infinity.
            const size_t exponent = digits.find_first_of("eE");
            if (exponent != std::string_view::npos && digits[exponent + 1] == '-') {
                return Node(0.0);
            }
            return Failf("number {} is out of range: a 64-bit float ends at 1.8e308", digits.substr(0, 40));
        }
        return Node(value);
    }

    Result<std::string> ParseString() {
        std::string out;
        ++at_;  // the opening quote
        while (true) {
            const size_t plain = at_;
            while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\' &&
                   static_cast<uint8_t>(text_[at_]) >= 0x20) {
                const size_t length = Utf8Length(text_.substr(at_));
                if (length == 0) {
                    return Failf("invalid UTF-8 byte 0x{:02x} in string literal (offset {})",
                                 static_cast<uint8_t>(text_[at_]), at_);
                }
                at_ += length;
            }
            out.append(text_.substr(plain, at_ - plain));
            if (at_ >= text_.size() || static_cast<uint8_t>(text_[at_]) < 0x20) {
                return Unexpected("in string literal");
            }
            if (text_[at_++] == '"') {
                return out;
            }
            HAUMEA_TRY_VOID(ParseEscape(out));
        }
    }

    Result<> ParseEscape(std::string& out) {
        if (at_ >= text_.size()) {
            return Unexpected("");
        }
        switch (text_[at_]) {
            case '"':
            case '\\':
            case '/':
                out.push_back(text_[at_]);
                break;
            case 'b':
                out.push_back('\b');
                break;
            case 'f':
                out.push_back('\f');
                break;
            case 'n':
                out.push_back('\n');
                break;
            case 'r':
                out.push_back('\r');
                break;
            case 't':
                out.push_back('\t');
                break;
            case 'u': {
                ++at_;
                HAUMEA_TRY(uint32_t code_point, ParseHex4());
                return FinishUnicode(out, code_point);
            }
            default:
                return Unexpected("in string escape code");
        }
        ++at_;
        return {};
    }

    // A lone surrogate stands for no character: it becomes U+FFFD.
    Result<> FinishUnicode(std::string& out, uint32_t code_point) {
        const bool high = code_point >= 0xD800 && code_point < 0xDC00;
        if (high && text_.substr(at_, 2) == "\\u") {
            const size_t second = at_;
            at_ += 2;
            HAUMEA_TRY(const uint32_t low, ParseHex4());
            if (low >= 0xDC00 && low < 0xE000) {
                AppendUtf8(0x10000 + ((code_point - 0xD800) << 10U) + (low - 0xDC00), out);
                return {};
            }
            at_ = second;
        }
        AppendUtf8(code_point >= 0xD800 && code_point < 0xE000 ? 0xFFFD : code_point, out);
        return {};
    }

    Result<uint32_t> ParseHex4() {
        uint32_t value = 0;
        for (int i = 0; i < 4; ++i, ++at_) {
            const char c = at_ < text_.size() ? text_[at_] : '\0';
            if (c >= '0' && c <= '9') {
                value = value * 16 + static_cast<uint32_t>(c - '0');
            } else if (const char lower = static_cast<char>(c | 0x20); lower >= 'a' && lower <= 'f') {
                value = value * 16 + static_cast<uint32_t>(lower - 'a' + 10);
            } else {
                return Unexpected("in \\u hexadecimal character escape");
            }
        }
        return value;
    }

    Result<> CheckDepth(int depth) const {
        if (depth > kMaxDepth) {
            return Failf("nested deeper than {} levels (offset {})", kMaxDepth, at_);
        }
        return {};
    }

    Result<Node> ParseArray(int depth) {
        HAUMEA_TRY_VOID(CheckDepth(depth));
        Node::Array items;
        ++at_;
        SkipSpace();
        if (at_ < text_.size() && text_[at_] == ']') {
            ++at_;
            return Node(std::move(items));
        }
        while (true) {
            HAUMEA_TRY(Node item, ParseValue(depth));
            items.push_back(std::move(item));
            SkipSpace();
            if (at_ < text_.size() && text_[at_] == ']') {
                ++at_;
                return Node(std::move(items));
            }
            if (at_ >= text_.size() || text_[at_] != ',') {
                return Unexpected("after array element");
            }
            ++at_;
            SkipSpace();
        }
    }

    Result<Node> ParseObject(int depth) {
        HAUMEA_TRY_VOID(CheckDepth(depth));
        Node::Object members;
        ++at_;
        SkipSpace();
        if (at_ < text_.size() && text_[at_] == '}') {
            ++at_;
            return Node(std::move(members));
        }
        while (true) {
            if (at_ >= text_.size() || text_[at_] != '"') {
                return Unexpected("looking for beginning of object key string");
            }
            HAUMEA_TRY(std::string key, ParseString());
            SkipSpace();
            if (at_ >= text_.size() || text_[at_] != ':') {
                return Unexpected("after object key");
            }
            ++at_;
            SkipSpace();
            HAUMEA_TRY(Node value, ParseValue(depth));
            members.emplace_back(std::move(key), std::move(value));
            SkipSpace();
            if (at_ < text_.size() && text_[at_] == '}') {
                ++at_;
                DropDuplicates(members);
                return Node(std::move(members));
            }
            if (at_ >= text_.size() || text_[at_] != ',') {
                return Unexpected("after object key:value pair");
            }
            ++at_;
            SkipSpace();
        }
    }

    std::string_view text_;
    size_t at_ = 0;
};

}  // namespace

Result<Node> ParseJson(std::string_view text) { return JsonReader(text).Document(); }

}  // namespace haumea::config
