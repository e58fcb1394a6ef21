#include "rule/describe.h"

#include <fmt/format.h>

#include <algorithm>

#include "rule/connections_secrets.h"

namespace haumea::rule {
namespace {

using config::Node;
using sql::StreamOptions;

std::string Lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return text;
}

// EXTRA as it was written when it holds no secret.
std::string MaskText(std::string_view option, const std::string& text) {
    if (option == "DATASOURCE") {
        return MaskSecrets(Node(text)).as_string();
    }
    const auto parsed = option == "EXTRA" ? config::ParseJson(text) : config::ParseJson("null");
    const Node masked = parsed ? MaskSecrets(*parsed) : Node();
    return !parsed || masked == *parsed ? text : config::ToJson(masked, {.escape_html = false});
}

// The text of an option with its secrets masked, empty when it is not set.
std::string OptionText(const StreamOptions& options, const sql::OptionSpec& spec) {
    if (spec.text != nullptr) {
        return MaskText(spec.name, options.*spec.text);
    }
    if (spec.boolean != nullptr) {
        return options.*spec.boolean ? "true" : "";
    }
    const int64_t number = options.*spec.integer;
    return number == 0 ? "" : std::to_string(number);
}

const sql::OptionSpec* FindSpec(std::string_view name) {
    for (const sql::OptionSpec& spec : sql::StreamOptionSpecs()) {
        if (spec.name == name) {
            return &spec;
        }
    }
    return nullptr;
}

// The order of DESCRIBE.
constexpr std::string_view kTextOptions[] = {
    "CONF_KEY",          "DATASOURCE", "FORMAT",           "SCHEMAID", "KEY",   "RETAIN_SIZE", "SHARED",
    "STRICT_VALIDATION", "TIMESTAMP",  "TIMESTAMP_FORMAT", "TYPE",     "EXTRA", "VERSION"};

// Names and order in the JSON.
struct JsonOption {
    std::string_view option;
    std::string_view member;
};
constexpr JsonOption kJsonOptions[] = {
    {"DATASOURCE", "datasource"},
    {"KEY", "key"},
    {"FORMAT", "format"},
    {"CONF_KEY", "confKey"},
    {"TYPE", "type"},
    {"STRICT_VALIDATION", "strictValidation"},
    {"TIMESTAMP", "timestamp"},
    {"TIMESTAMP_FORMAT", "timestampFormat"},
    {"SHARED", "shared"},
    {"SCHEMAID", "schemaid"},
    {"VERSION", "version"},
    {"EXTRA", "extra"},
    {"TEMP", "temp"},
    {"RETAIN_SIZE", "retainSize"},
    {"KIND", "kind"},
    {"DELIMITER", "delimiter"},
};

Node OptionsJson(const StreamOptions& options) {
    Node node = Node::MakeObject();
    for (const auto& [name, member] : kJsonOptions) {
        const sql::OptionSpec* spec = FindSpec(name);
        if (spec == nullptr || OptionText(options, *spec).empty()) {
            continue;
        }
        if (spec->text != nullptr) {
            node.Set(member, OptionText(options, *spec));
        } else if (spec->boolean != nullptr) {
            node.Set(member, true);
        } else {
            node.Set(member, options.*spec->integer);
        }
    }
    return node;
}

Node FieldJson(const sql::StreamField& field);

Node TypeJson(const sql::StreamType& type) {
    if (type.type == sql::FieldType::kArray && !type.element.empty()) {
        Node node = Node::MakeObject();
        node.Set("Type", "array");
        node.Set("ElementType", TypeJson(type.element.front()));
        return node;
    }
    if (type.type == sql::FieldType::kStruct) {
        Node fields = Node::MakeArray();
        for (const sql::StreamField& member : type.members) {
            fields.Append(FieldJson(member));
        }
        Node node = Node::MakeObject();
        node.Set("Type", "struct");
        node.Set("Fields", std::move(fields));
        return node;
    }
    return ToText(type.type);
}

Node FieldJson(const sql::StreamField& field) {
    Node node = Node::MakeObject();
    node.Set("FieldType", TypeJson(field.type));
    node.Set("Name", field.name);
    if (field.default_value) {
        node.Set("DefaultClause", sql::ToString(*field.default_value));
    }
    return node;
}

Node ColumnsJson(const std::vector<sql::StreamField>& fields);

// A column in the schema map; the order of members is part of the interface.
Node ColumnJson(const sql::StreamType& type, const std::optional<sql::DefaultValue>& default_value) {
    Node node = Node::MakeObject();
    node.Set("type", ToText(type.type));
    if (default_value) {
        node.Set("default", sql::ToString(*default_value));
    }
    if (type.type == sql::FieldType::kArray && !type.element.empty()) {
        node.Set("items", ColumnJson(type.element.front(), std::nullopt));
    }
    if (type.type == sql::FieldType::kStruct) {
        node.Set("properties", ColumnsJson(type.members));
    }
    node.Set("index", 0);
    return node;
}

Node ColumnsJson(const std::vector<sql::StreamField>& fields) {
    Node node = Node::MakeObject();
    for (const sql::StreamField& field : fields) {
        node.Set(field.name, ColumnJson(field.type, field.default_value));
    }
    std::sort(node.object().begin(), node.object().end(),
              [](const Node::Member& a, const Node::Member& b) { return a.first < b.first; });
    return node;
}

}  // namespace

std::string DescribeText(const sql::StreamDef& def) {
    std::string text = fmt::format("Fields\n{:-<80}\n", "");
    for (const sql::StreamField& field : def.fields) {
        text += fmt::format("{}\t{}", field.name, field.type.ToString());
        if (field.default_value) {
            text += fmt::format("\tDEFAULT\t{}", sql::ToString(*field.default_value));
        }
        text += '\n';
    }
    text += '\n';
    for (const std::string_view name : kTextOptions) {
        const sql::OptionSpec* spec = FindSpec(name);
        if (const std::string value = spec == nullptr ? "" : OptionText(def.options, *spec); !value.empty()) {
            text += fmt::format("{}: {}\n", name, value);
        }
    }
    return text;
}

Node DescribeJson(const sql::StreamDef& def) {
    Node fields;  // null without columns
    for (const sql::StreamField& field : def.fields) {
        if (fields.is_null()) {
            fields = Node::MakeArray();
        }
        fields.Append(FieldJson(field));
    }
    Node node = Node::MakeObject();
    node.Set("Name", def.name);
    node.Set("StreamFields", std::move(fields));
    node.Set("Options", OptionsJson(def.options));
    node.Set("StreamType", def.kind == sql::StreamKind::kTable ? 1 : 0);
    node.Set("Statement", nullptr);
    return node;
}

Node SchemaJson(const sql::StreamDef& def) { return def.schemaless() ? Node() : ColumnsJson(def.fields); }

Node DetailsJson(const sql::StreamDef& def) {
    Node node = Node::MakeObject();
    node.Set("name", def.name);
    node.Set("type", def.options.type.empty() ? "mqtt" : Lower(def.options.type));
    node.Set("format", def.options.format.empty() ? "json" : Lower(def.options.format));
    return node;
}

}  // namespace haumea::rule
