#include "connect/resend_indicator.h"

namespace haumea::connect {
namespace {

constexpr int kMaxDepth = 4;  // of lists around the objects

// Copies one JSON text member by member. It checks no more than it needs to find the borders of values.
class Rewriter {
  public:
    Rewriter(std::string_view json, std::string_view field, BufferBuilder& out) : rest_(json), out_(out) {
        name_.push_back('"');
        for (const char c : field) {
            if (c == '"' || c == '\\') {
                name_.push_back('\\');
            }
            name_.push_back(c);
        }
        name_.push_back('"');
    }

    bool Run() {
        SkipSpace();
        return Value(0) && (SkipSpace(), rest_.empty());
    }

  private:
    void SkipSpace() {
        const size_t begin = rest_.find_first_not_of(" \t\r\n");
        rest_.remove_prefix(begin == std::string_view::npos ? rest_.size() : begin);
    }
    bool Take(char c) {
        SkipSpace();
        if (rest_.empty() || rest_.front() != c) {
            return false;
        }
        rest_.remove_prefix(1);
        return true;
    }

    bool Value(int depth) {
        if (depth <= kMaxDepth && Take('[')) {
            return List(depth);
        }
        return Take('{') && Object();
    }

    bool List(int depth) {
        out_.Append('[');
        if (!Take(']')) {
            do {
                if (!Value(depth + 1)) {
                    return false;
                }
                SkipSpace();
                if (!rest_.empty() && rest_.front() == ',') {
                    out_.Append(',');
                }
            } while (Take(','));
            if (!Take(']')) {
                return false;
            }
        }
        out_.Append(']');
        return true;
    }

    bool Object() {
        bool set = false;
        bool first = true;
        const auto write = [&](std::string_view name, std::string_view value) {
            out_.Append(first ? "{" : ",");
            out_.Append(name);
            out_.Append(':');
            out_.Append(value);
            first = false;
        };
        for (bool more = !Take('}'); more;) {
            std::string_view name;
            std::string_view value;
            if (!String(name) || !Take(':') || !Skip(value)) {
                return false;
            }
            if (!set && name >= name_) {
                write(name_, "true");
                set = true;
            }
            if (name != name_) {
                write(name, value);
            }
            more = Take(',');
            if (!more && !Take('}')) {
                return false;
            }
        }
        if (!set) {
            write(name_, "true");
        }
        out_.Append('}');
        return true;
    }

    bool String(std::string_view& text) {
        SkipSpace();
        if (rest_.empty() || rest_.front() != '"') {
            return false;
        }
        for (size_t i = 1; i < rest_.size(); ++i) {
            if (rest_[i] == '\\') {
                ++i;
            } else if (rest_[i] == '"') {
                text = rest_.substr(0, i + 1);
                rest_.remove_prefix(i + 1);
                return true;
            }
        }
        return false;
    }

    // Any value, as it stands.
    bool Skip(std::string_view& value) {
        SkipSpace();
        const std::string_view all = rest_;
        int open = 0;
        while (!rest_.empty()) {
            const char c = rest_.front();
            std::string_view text;
            if (c == '"') {
                if (!String(text)) {
                    return false;
                }
            } else if (open == 0 && (c == ',' || c == '}' || c == ']')) {
                break;
            } else {
                open += c == '{' || c == '[' ? 1 : 0;
                open -= c == '}' || c == ']' ? 1 : 0;
                rest_.remove_prefix(1);
            }
        }
        value = all.substr(0, all.size() - rest_.size());
        return !value.empty() && open == 0;
    }

    std::string_view rest_;
    BufferBuilder& out_;
    std::string name_;
};

}  // namespace

bool SetIndicator(std::string_view json, std::string_view field, BufferBuilder& out) {
    out.Clear();
    return Rewriter(json, field, out).Run();
}

}  // namespace haumea::connect
