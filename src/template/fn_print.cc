#include <fmt/core.h>

#include <string>

#include "data/go_format.h"
#include "template/format.h"
#include "template/function.h"

// print, printf, println and the escaping functions of text/template.
namespace haumea::text_template {
namespace {

Value Print(std::span<const Value> args, CallContext& ctx) {
    std::string out;
    for (size_t i = 0; i < args.size(); ++i) {
        if (i > 0 && !args[i].is_string() && !args[i - 1].is_string()) {
            out += ' ';
        }
        AppendGoText(out, args[i]);
    }
    return MakeText(ctx, out);
}

Value Println(std::span<const Value> args, CallContext& ctx) {
    std::string out;
    for (size_t i = 0; i < args.size(); ++i) {
        out += i > 0 ? " " : "";
        AppendGoText(out, args[i]);
    }
    return MakeText(ctx, out + '\n');
}

Value Printf(std::span<const Value> args, CallContext& ctx) {
    std::string out;
    AppendFormat(out, args[0].text(), args.subspan(1));
    return MakeText(ctx, out);
}

// The text that the escapers work on: one string as it is, else as print writes it.
std::string Joined(std::span<const Value> args) {
    std::string out;
    for (size_t i = 0; i < args.size(); ++i) {
        out += i > 0 && !args[i].is_string() && !args[i - 1].is_string() ? " " : "";
        AppendGoText(out, args[i]);
    }
    return out;
}

Value Html(std::span<const Value> args, CallContext& ctx) {
    std::string out;
    for (const char c : Joined(args)) {
        switch (c) {
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '&':
                out += "&amp;";
                break;
            case '"':
                out += "&#34;";
                break;
            case '\'':
                out += "&#39;";
                break;
            case '\0':
                out += "\xEF\xBF\xBD";
                break;
            default:
                out += c;
        }
    }
    return MakeText(ctx, out);
}

Value Js(std::span<const Value> args, CallContext& ctx) {
    std::string out;
    for (const char c : Joined(args)) {
        if (c == '\\' || c == '\'' || c == '"') {
            out += '\\';
            out += c;
        } else if (c == '<' || c == '>' || c == '&' || c == '=' || static_cast<unsigned char>(c) < 0x20) {
            out += fmt::format("\\u{:04X}", static_cast<unsigned char>(c));
        } else {
            out += c;
        }
    }
    return MakeText(ctx, out);
}

Value UrlQuery(std::span<const Value> args, CallContext& ctx) {
    std::string out;
    for (const char c : Joined(args)) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           c == '-' || c == '_' || c == '.' || c == '~';
        if (plain) {
            out += c;
        } else {
            out += c == ' ' ? "+" : fmt::format("%{:02X}", static_cast<unsigned char>(c));
        }
    }
    return MakeText(ctx, out);
}

constexpr Function kFunctions[] = {
    {"print", "a*", Print}, {"println", "a*", Println}, {"printf", "sa*", Printf},
    {"html", "a*", Html},   {"js", "a*", Js},           {"urlquery", "a*", UrlQuery},
};

}  // namespace

std::span<const Function> PrintFunctions() { return kFunctions; }

}  // namespace haumea::text_template
