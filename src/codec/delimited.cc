#include "codec/delimited.h"

#include <fmt/core.h>

#include <algorithm>

namespace haumea::codec {

void AppendQuoted(std::string_view value, std::string_view delimiter, bool alone, BufferBuilder& out) {
    const bool needs = value.empty() ? alone
                                     : value.find_first_of("\"\r\n") != std::string_view::npos ||
                                           value.find(delimiter) != std::string_view::npos;
    if (!needs) {
        out.Append(value);
        return;
    }
    out.Append('"');
    while (!value.empty()) {
        const size_t end = std::min(value.find('"'), value.size());
        out.Append(value.substr(0, end));
        if (end < value.size()) {
            out.Append(std::string_view("\"\""));
        }
        value.remove_prefix(std::min(end + 1, value.size()));
    }
    out.Append('"');
}

bool RecordReader::AtLineEnd() const {
    return text_.substr(at_).starts_with('\n') || text_.substr(at_).starts_with("\r\n");
}

std::string_view RecordReader::TakePlain() {
    const size_t begin = at_;
    if (line_end_ < at_ || line_end_ == kUnknown) {
        line_end_ = std::min(text_.find('\n', at_), text_.size());
    }
    at_ = std::min(text_.substr(0, line_end_).find(delimiter_, at_), line_end_);
    std::string_view value = text_.substr(begin, at_ - begin);
    if (at_ == line_end_ && at_ < text_.size() && value.ends_with('\r')) {
        value.remove_suffix(1);
    }
    return value;
}

bool RecordReader::TakeQuoted(Arena& arena, std::string_view& value, std::string& error) {
    const size_t begin = ++at_;
    size_t doubled = 0;
    for (;;) {
        at_ = text_.find('"', at_);
        if (at_ == std::string_view::npos) {
            error = fmt::format("a quote that opens in line {} is never closed", line_);
            return false;
        }
        if (!text_.substr(at_ + 1).starts_with('"')) {
            break;
        }
        ++doubled;
        at_ += 2;
    }
    value = text_.substr(begin, at_ - begin);
    ++at_;
    const size_t first_line = line_;
    line_ += static_cast<size_t>(std::count(value.begin(), value.end(), '\n'));
    if (at_ < text_.size() && !AtLineEnd() && !text_.substr(at_).starts_with(delimiter_)) {
        error = fmt::format("a value in quotes in line {} goes on after its closing quote", first_line);
        return false;
    }
    if (doubled > 0) {
        char* const plain = static_cast<char*>(arena.Allocate(value.size() - doubled, 1));
        char* end = plain;
        for (size_t i = 0; i < value.size(); ++i) {
            *end++ = value[i];
            i += value[i] == '"' ? 1 : 0;
        }
        value = {plain, static_cast<size_t>(end - plain)};
    }
    return true;
}

bool RecordReader::Next(Arena& arena, std::vector<std::string_view>& values, std::string& error) {
    values.clear();
    error.clear();
    while (AtLineEnd()) {
        at_ += text_[at_] == '\n' ? 1 : 2;
        ++line_;
    }
    if (at_ >= text_.size()) {
        return false;
    }
    for (;;) {
        std::string_view value;
        if (text_.substr(at_).starts_with('"')) {
            if (!TakeQuoted(arena, value, error)) {
                return false;
            }
        } else {
            value = TakePlain();
        }
        values.push_back(value);
        if (!text_.substr(at_).starts_with(delimiter_)) {
            break;
        }
        at_ += delimiter_.size();
    }
    if (at_ < text_.size()) {
        at_ += text_[at_] == '\n' ? 1 : 2;
        ++line_;
    }
    return true;
}

bool RecordEnd::IsLast(std::string_view line) {
    size_t at = 0;
    for (;;) {
        if (!in_quotes_ && line.substr(at).starts_with('"')) {
            in_quotes_ = true;
            ++at;
        }
        while (in_quotes_) {
            at = line.find('"', at);
            if (at == std::string_view::npos) {
                return false;
            }
            in_quotes_ = line.substr(at + 1).starts_with('"');
            at += in_quotes_ ? 2 : 1;
        }
        at = line.find(delimiter_, at);
        if (at == std::string_view::npos) {
            return true;
        }
        at += delimiter_.size();
    }
}

}  // namespace haumea::codec
