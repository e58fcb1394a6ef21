#include "data/go_format.h"

#include "data/datetime.h"
#include "data/number_text.h"

namespace haumea {

namespace {

constexpr size_t kMaxErrorText = 1024;

void AppendNumber(std::string& out, const Value& value) {
    char text[kMaxNumberText];
    out.append(text, value.type() == Type::kInt ? WriteInt(value.as_int(), text)
                                                : WriteGoFloat(value.as_double(), text));
}

void AppendBytes(std::string& out, std::string_view bytes) {
    out += '[';
    for (size_t i = 0; i < bytes.size(); ++i) {
        char text[kMaxNumberText];
        out.append(i == 0 ? "" : " ");
        out.append(text, WriteInt(static_cast<unsigned char>(bytes[i]), text));
    }
    out += ']';
}

}  // namespace

void AppendGoText(std::string& out, const Value& value) {
    switch (value.type()) {
        case Type::kMissing:
        case Type::kNull:
            out += "<nil>";
            return;
        case Type::kBool:
            out += value.as_bool() ? "true" : "false";
            return;
        case Type::kInt:
        case Type::kDouble:
            AppendNumber(out, value);
            return;
        case Type::kDatetime:
            AppendGoTime(out, value);
            return;
        case Type::kString:
        case Type::kError:
            out += value.text();
            return;
        case Type::kBytes:
            AppendBytes(out, value.text());
            return;
        case Type::kArray: {
            out += '[';
            const char* separator = "";
            for (const Value& item : value.items()) {
                out += separator;
                AppendGoText(out, item);
                separator = " ";
            }
            out += ']';
            return;
        }
        case Type::kObject: {
            out += "map[";
            const char* separator = "";
            for (const Field& field : value.fields()) {
                out += separator;
                out += field.key;
                out += ':';
                AppendGoText(out, field.value);
                separator = " ";
            }
            out += ']';
            return;
        }
    }
}

std::string GoText(const Value& value) {
    std::string out;
    AppendGoText(out, value);
    return out;
}

std::string_view GoText(const Value& value, Arena& arena) noexcept {
    switch (value.type()) {
        case Type::kMissing:
        case Type::kNull:
            return "<nil>";
        case Type::kBool:
            return value.as_bool() ? "true" : "false";
        case Type::kString:
        case Type::kError:
            return value.text();
        case Type::kInt:
        case Type::kDouble: {
            char* text = static_cast<char*>(arena.Allocate(kMaxNumberText, 1));
            const size_t length = value.type() == Type::kInt ? WriteInt(value.as_int(), text)
                                                             : WriteGoFloat(value.as_double(), text);
            return {text, length};
        }
        case Type::kDatetime:
        case Type::kBytes:
        case Type::kArray:
        case Type::kObject:
            break;
    }
    return arena.Copy(GoText(value));
}

std::string_view GoTypeName(Type type) noexcept {
    switch (type) {
        case Type::kMissing:
        case Type::kNull:
            return "<nil>";
        case Type::kBool:
            return "bool";
        case Type::kInt:
            return "int64";
        case Type::kDouble:
            return "float64";
        case Type::kDatetime:
            return "time.Time";
        case Type::kString:
            return "string";
        case Type::kBytes:
            return "[]uint8";
        case Type::kArray:
            return "[]interface {}";
        case Type::kObject:
            return "map[string]interface {}";
        case Type::kError:
            return "error";
    }
    return "";
}

std::string GoTyped(const Value& value) {
    std::string out(GoTypeName(value.type()));
    out += '(';
    AppendGoText(out, value);
    if (out.size() > kMaxErrorText) {
        out.resize(kMaxErrorText);
        out += "...";
    }
    out += ')';
    return out;
}

}  // namespace haumea
