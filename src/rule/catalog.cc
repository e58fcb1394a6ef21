#include "rule/catalog.h"

#include <fmt/format.h>

#include "base/log.h"
#include "rule/connections_secrets.h"
#include "rule/describe.h"
#include "rule/rule_def.h"
#include "sql/parser.h"

namespace haumea::rule {
namespace {

using sql::StreamKind;

std::string_view Capital(StreamKind kind) { return kind == StreamKind::kStream ? "Stream" : "Table"; }

// Which streams are restricted where they are made, not where they are used.
Result<void> CheckNew(const sql::StreamDef& def) {
    const bool memory_lookup = def.is_lookup() && def.options.type == "memory";
    if (memory_lookup && def.options.key.empty()) {
        return Fail(Error(ErrorCode::kStream, "Option \"key\" is required for memory lookup table."));
    }
    // What DESCRIBE shows is no statement that can be kept: the secret would be lost.
    if (!FindMaskedSecret(config::Node(config::Node::Array{def.options.datasource})).empty()) {
        return Fail(Error(ErrorCode::kStream, "option DATASOURCE is masked: give the value"));
    }
    const auto extra = config::ParseJson(def.options.extra);
    if (const std::string masked = extra ? FindMaskedSecret(*extra) : ""; !masked.empty()) {
        return Fail(
            Error(ErrorCode::kStream, fmt::format("option EXTRA: {} is masked: give the value", masked)));
    }
    return {};
}

std::string StoredText(const sql::StreamDef& def) {
    config::Node node = config::Node::MakeObject();
    node.Set("streamType", def.kind == StreamKind::kTable ? 1 : 0);
    node.Set("streamKind", def.options.kind);
    node.Set("statement", def.text);
    return config::ToJson(node, {.escape_html = false});
}

Result<sql::StreamDef> ParseStored(std::string_view text) {
    HAUMEA_TRY(const config::Node node, config::ParseJson(text));
    const config::Node* statement = node.Find("statement");
    if (statement == nullptr || !statement->is_string()) {
        return Failf("no member \"statement\"");
    }
    HAUMEA_TRY(sql::StreamStmt parsed, sql::ParseStreamSql(statement->as_string()));
    if (auto* def = std::get_if<sql::StreamDef>(&parsed)) {
        return std::move(*def);
    }
    return Failf("the statement creates nothing: {}", statement->as_string());
}

Error StreamError(std::string text) { return Error(ErrorCode::kStream, std::move(text)); }

}  // namespace

Result<void> Catalog::Load() {
    HAUMEA_TRY(const std::vector<store::KeyValue::Entry> entries, table_->All());
    for (const auto& [name, text] : entries) {
        Result<sql::StreamDef> def = ParseStored(text);
        if (def) {
            Keep(std::move(*def));
        } else {
            log::Error("stream {}: stored definition is left out: {}", name, def.error().message);
        }
    }
    return {};
}

Result<std::string> Catalog::Execute(std::string_view sql) {
    HAUMEA_TRY(sql::StreamStmt statement, sql::ParseStreamSql(sql));
    if (auto* def = std::get_if<sql::StreamDef>(&statement)) {
        return Create(std::move(*def));
    }
    if (const auto* show = std::get_if<sql::ShowStmt>(&statement)) {
        return Show(show->kind);
    }
    if (const auto* describe = std::get_if<sql::DescribeStmt>(&statement)) {
        HAUMEA_TRY(const auto def, Describe(describe->kind, describe->name));
        return DescribeText(*def);
    }
    if (const auto* explain = std::get_if<sql::ExplainStmt>(&statement)) {
        if (FindStream(explain->name) == nullptr) {
            return Fail(StreamError(
                fmt::format("Explain {} fails, {} is not found.", ToText(explain->kind), explain->name)));
        }
        return "TO BE SUPPORTED";
    }
    const auto& drop = std::get<sql::DropStmt>(statement);
    const auto found = FindStream(drop.name);
    if (found == nullptr || found->kind != drop.kind) {
        return Fail(
            StreamError(fmt::format("Drop {0} fails: {0} {1} is not found.", ToText(drop.kind), drop.name)));
    }
    return Drop(drop.kind, drop.name, Force::kYes);
}

Result<std::string> Catalog::Create(sql::StreamDef def) {
    HAUMEA_TRY_VOID(CheckNew(def));
    if (FindStream(def.name) != nullptr) {
        return Fail(StreamError(
            def.options.temp
                ? fmt::format("Create {} fails: key {} already exists", ToText(def.kind), def.name)
                : fmt::format("Create {} fails: Item {} already exists.", ToText(def.kind), def.name)));
    }
    HAUMEA_TRY_VOID(Store(def));
    std::string answer = fmt::format("{} {} is created.", Capital(def.kind), def.name);
    Keep(std::move(def));
    return answer;
}

Result<std::string> Catalog::Replace(StreamKind kind, std::string_view name, std::string_view sql) {
    HAUMEA_TRY(sql::StreamStmt statement, sql::ParseStreamSql(sql));
    auto* def = std::get_if<sql::StreamDef>(&statement);
    if (def == nullptr) {
        return Fail(StreamError(fmt::format("Invalid stream statement: {}", sql)));
    }
    if (def->name != name) {
        return Fail(StreamError(
            fmt::format("Replace {0} fails: the sql statement must update the {0} source.", name)));
    }
    if (def->options.temp) {
        return Fail(StreamError(fmt::format("Replace {} fails: cannot replace with temp option.", name)));
    }
    HAUMEA_TRY_VOID(CheckNew(*def));
    if (const auto old = FindStream(def->name)) {
        if (old->kind != kind || def->kind != kind) {
            return Fail(Error(ErrorCode::kNotFound, fmt::format("{} {} is not found", ToText(kind), name)));
        }
        if (old->options.shared != def->options.shared) {
            return Fail(StreamError(
                fmt::format("Replace {} fails: do not support to change stream SHARED option.", name)));
        }
        if (!MayReplace(old->options.version, def->options.version)) {
            return Fail(StreamError(
                fmt::format("source {} already exists with version ({}), new version ({}) is lower", name,
                            old->options.version, def->options.version)));
        }
    }
    HAUMEA_TRY_VOID(Store(*def));
    std::string answer = fmt::format("{} {} is replaced.", Capital(def->kind), name);
    Keep(std::move(*def));
    return answer;
}

Result<std::string> Catalog::Drop(StreamKind kind, const std::string& name, Force force) {
    const auto def = FindStream(name);
    if (def == nullptr) {
        return Fail(Error(ErrorCode::kNotFound, fmt::format("{} {} is not found", ToText(kind), name)));
    }
    if (force == Force::kNo && in_use_ && in_use_(name)) {
        return Fail(Error(fmt::format("stream {} has been referenced by other rules", name)));
    }
    if (!def->options.temp) {
        HAUMEA_TRY([[maybe_unused]] const bool existed, table_->Delete(name));
    }
    const std::lock_guard lock(mutex_);
    streams_.erase(name);
    return fmt::format("{} {} is dropped.", Capital(kind), name);
}

Result<void> Catalog::Store(const sql::StreamDef& def) {
    if (def.options.temp) {
        return {};
    }
    return table_->Set(def.name, StoredText(def));
}

void Catalog::Keep(sql::StreamDef def) {
    auto kept = std::make_shared<const sql::StreamDef>(std::move(def));
    const std::lock_guard lock(mutex_);
    streams_.insert_or_assign(kept->name, kept);
}

std::shared_ptr<const sql::StreamDef> Catalog::FindStream(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = streams_.find(name);
    return found == streams_.end() ? nullptr : found->second;
}

Result<std::shared_ptr<const sql::StreamDef>> Catalog::Describe(StreamKind kind,
                                                                const std::string& name) const {
    auto def = FindStream(name);
    if (def == nullptr) {
        return Fail(StreamError(fmt::format("Describe {} fails, {} is not found.", ToText(kind), name)));
    }
    if (def->kind != kind) {
        return Fail(
            StreamError(fmt::format("Describe {0} fails, {0} {1} is not found.", ToText(kind), name)));
    }
    return def;
}

std::vector<std::shared_ptr<const sql::StreamDef>> Catalog::List(StreamKind kind,
                                                                 std::string_view table_kind) const {
    std::vector<std::shared_ptr<const sql::StreamDef>> found;
    const std::lock_guard lock(mutex_);
    for (const auto& [name, def] : streams_) {
        const bool other_kind =
            (table_kind == "scan" && def->is_lookup()) || (table_kind == "lookup" && !def->is_lookup());
        if (def->kind == kind && (kind == StreamKind::kStream || !other_kind)) {
            found.push_back(def);
        }
    }
    return found;
}

std::string Catalog::Show(StreamKind kind) const {
    std::string names;
    for (const auto& def : List(kind, "")) {
        names += names.empty() ? "" : "\n";
        names += def->name;
    }
    return names.empty() ? fmt::format("No {} definitions are found.", ToText(kind)) : names;
}

}  // namespace haumea::rule
