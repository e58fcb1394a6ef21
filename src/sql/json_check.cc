#include "sql/json_check.h"

#include <vector>

#include "sql/ast.h"

namespace haumea::sql {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHex(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

class JsonScanner {
  public:
    explicit JsonScanner(std::string_view text) : text_(text) {}

    bool Run();

  private:
    char At() const { return pos_ < text_.size() ? text_[pos_] : '\0'; }
    bool Accept(char c) {
        if (pos_ >= text_.size() || text_[pos_] != c) {
            return false;
        }
        ++pos_;
        return true;
    }
    void SkipBlanks() {
        while (At() == ' ' || At() == '\t' || At() == '\r' || At() == '\n') {
            ++pos_;
        }
    }
    bool Word(std::string_view word) {
        if (text_.substr(pos_, word.size()) != word) {
            return false;
        }
        pos_ += word.size();
        return true;
    }
    bool Digits() {
        const size_t start = pos_;
        while (IsDigit(At())) {
            ++pos_;
        }
        return pos_ > start;
    }
    bool Number();
    bool String();
    bool Scalar();
    bool Key();
    bool CloseAll(bool& finished);

    std::string_view text_;
    size_t pos_ = 0;
    std::vector<char> open_;  // the closing bracket of each open container
};

bool JsonScanner::Number() {
    Accept('-');
    if (!Accept('0') && !Digits()) {
        return false;
    }
    if (Accept('.') && !Digits()) {
        return false;
    }
    if (Accept('e') || Accept('E')) {
        if (!Accept('+')) {
            Accept('-');
        }
        return Digits();
    }
    return true;
}

bool JsonScanner::String() {
    if (!Accept('"')) {
        return false;
    }
    while (pos_ < text_.size()) {
        const char c = text_[pos_++];
        if (c == '"') {
            return true;
        }
        if (static_cast<unsigned char>(c) < 0x20) {
            return false;
        }
        if (c != '\\') {
            continue;
        }
        if (Accept('u')) {
            for (int i = 0; i < 4; ++i, ++pos_) {
                if (!IsHex(At())) {
                    return false;
                }
            }
        } else if (At() == '\0' || std::string_view("\"\\/bfnrt").find(At()) == std::string_view::npos) {
            return false;
        } else {
            ++pos_;
        }
    }
    return false;
}

bool JsonScanner::Scalar() {
    switch (At()) {
        case '"':
            return String();
        case 't':
            return Word("true");
        case 'f':
            return Word("false");
        case 'n':
            return Word("null");
        default:
            return Number();
    }
}

bool JsonScanner::Key() {
    SkipBlanks();
    if (!String()) {
        return false;
    }
    SkipBlanks();
    return Accept(':');
}

// After a value: closes what ends here, up to a comma or the end of the text.
bool JsonScanner::CloseAll(bool& finished) {
    for (;;) {
        SkipBlanks();
        if (open_.empty()) {
            finished = true;
            return pos_ == text_.size();
        }
        if (Accept(open_.back())) {
            open_.pop_back();
            continue;
        }
        return Accept(',') && (open_.back() == ']' || Key());
    }
}

bool JsonScanner::Run() {
    for (bool finished = false; !finished;) {
        SkipBlanks();
        const char bracket = At();
        if (bracket == '{' || bracket == '[') {
            ++pos_;
            if (open_.size() >= kMaxNesting) {
                return false;
            }
            open_.push_back(bracket == '{' ? '}' : ']');
            SkipBlanks();
            if (At() != open_.back()) {
                if (bracket == '{' && !Key()) {
                    return false;
                }
                continue;
            }
        } else if (!Scalar()) {
            return false;
        }
        if (!CloseAll(finished)) {
            return false;
        }
    }
    return true;
}

}  // namespace

bool IsJson(std::string_view text) { return JsonScanner(text).Run(); }

}  // namespace haumea::sql
