#include "connect/transform.h"

#include <algorithm>

#include "data/go_format.h"

namespace haumea::connect {

namespace {

constexpr size_t kShownData = 512;

// The data of an error text, cut to what a person reads.
std::string Shown(const Value& value) {
    std::string text = GoText(value);
    if (text.size() > kShownData) {
        text.resize(kShownData);
        text += "...";
    }
    return text;
}

TransformItem ErrorItem(std::string_view text, Arena& arena) {
    return {TransformItem::Kind::kError, Value(), arena.Copy(text), Value()};
}

bool IsRowList(const Value& value) {
    return value.is_array() && std::all_of(value.items().begin(), value.items().end(),
                                           [](const Value& item) { return item.is_object(); });
}

}  // namespace

Result<std::unique_ptr<Transform>> Transform::Make(TransformOptions options,
                                                   const text_template::Limits& limits) {
    if (!options.fields.empty() && !options.exclude_fields.empty()) {
        return Failf("field and excludeFields cannot both be set");
    }
    for (auto* names : {&options.fields, &options.exclude_fields}) {
        std::sort(names->begin(), names->end());
        names->erase(std::unique(names->begin(), names->end()), names->end());
    }
    std::unique_ptr<Transform> transform(new Transform(std::move(options)));
    transform->limits_ = limits;
    if (!transform->options_.data_template.empty()) {
        auto parsed = text_template::Template::Parse(transform->options_.data_template);
        if (!parsed) {
            return Fail(std::move(parsed.error()).With("property dataTemplate"));
        }
        transform->template_ = std::move(*parsed);
    }
    return transform;
}

void Transform::Apply(std::span<const Value> rows, Arena& arena, std::vector<TransformItem>& items) noexcept {
    if (options_.omit_if_empty && rows.empty()) {
        return;
    }
    if (!options_.send_single) {
        items.push_back(MakeItem(Value::Array(rows), arena));
        return;
    }
    for (const Value& row : rows) {
        const bool empty = std::all_of(row.fields().begin(), row.fields().end(),
                                       [](const Field& field) { return field.value.is_missing(); });
        if (!options_.omit_if_empty || !empty) {
            items.push_back(MakeItem(row, arena));
        }
    }
}

TransformItem Transform::MakeItem(const Value& value, Arena& arena) noexcept {
    TransformItem item = Shape(value, arena);
    item.source = value;
    return item;
}

TransformItem Transform::Shape(const Value& value, Arena& arena) noexcept {
    TransformItem item{TransformItem::Kind::kRow, value, {}, value};
    if (template_) {
        if (!FromTemplate(value, arena, item)) {
            return item;
        }
        if (item.kind == TransformItem::Kind::kText) {
            return item;
        }
    }
    std::string error;
    if (!options_.data_field.empty() && !PickDataField(item.value, arena, error)) {
        return ErrorItem("fail to TransItem data " + Shown(value) + " for error " + error, arena);
    }
    if ((!options_.fields.empty() || !options_.exclude_fields.empty()) && !Select(item.value, arena, error)) {
        return ErrorItem("fail to TransItem data " + Shown(value) + " for error " + error, arena);
    }
    if (item.value.is_null()) {
        return ErrorItem("receive unsupported data <nil>", arena);
    }
    if (item.value.is_object()) {
        return item;
    }
    if (IsRowList(item.value)) {
        item.kind = TransformItem::Kind::kList;
        return item;
    }
    return ErrorItem("invalid transform result type " + Shown(item.value), arena);
}

bool Transform::FromTemplate(const Value& value, Arena& arena, TransformItem& item) noexcept {
    rendered_.Clear();
    std::string error;
    if (!template_->Execute(value, arena, rendered_, error, limits_)) {
        item =
            ErrorItem("fail to encode data " + Shown(value) + " with dataTemplate for error " + error, arena);
        return false;
    }
    if (!selects() && options_.text_format) {
        item.kind = TransformItem::Kind::kText;
        item.text = arena.Copy(rendered_.view());
        return true;
    }
    // The text is data again: the reader needs it padded, and what it yields has to live as long as the
    // arena.
    const size_t size = rendered_.size();
    char* text = static_cast<char*>(arena.Allocate(size + Buffer::kPadding, 1));
    std::copy_n(rendered_.view().data(), size, text);
    std::fill_n(text + size, Buffer::kPadding, ' ');
    if (!reader_.Start({text, size}) || !reader_.ReadValue(arena, item.value) || !reader_.Finish()) {
        item = ErrorItem("fail to decode data " + std::string(text, std::min(size, kShownData)) +
                             " after applying dataTemplate for error " + reader_.error(),
                         arena);
        return false;
    }
    return true;
}

// Of a list, the first row counts.
bool Transform::PickDataField(Value& value, Arena& arena, std::string& error) const noexcept {
    Value row = value;
    if (value.is_array()) {
        row = value.size() == 0 ? Value::Null() : value.items().front();
    }
    value = row.is_object() ? row.Get(options_.data_field) : Value::Null();
    if (value.is_array() && !IsRowList(value)) {
        error = "unsupported type " + Shown(value);
        return false;
    }
    static_cast<void>(arena);
    return true;
}

Value Transform::SelectRow(const Value& row, Arena& arena) const noexcept {
    if (!options_.fields.empty()) {
        Field* chosen = arena.AllocateArray<Field>(options_.fields.size());
        for (size_t i = 0; i < options_.fields.size(); ++i) {
            const Value found = row.Get(options_.fields[i]);
            chosen[i] = {options_.fields[i], found.is_missing() ? Value::Null() : found};
        }
        return Value::Object({chosen, options_.fields.size()});
    }
    Field* kept = arena.AllocateArray<Field>(row.size());
    size_t count = 0;
    for (const Field& field : row.fields()) {
        if (!std::binary_search(options_.exclude_fields.begin(), options_.exclude_fields.end(), field.key)) {
            kept[count++] = field;
        }
    }
    return Value::Object({kept, count});
}

bool Transform::Select(Value& value, Arena& arena, std::string& error) const noexcept {
    if (value.is_object()) {
        value = SelectRow(value, arena);
        return true;
    }
    if (!IsRowList(value)) {
        const std::string shown = Shown(value);
        error = "fail to decode data " + shown + " for error unsupported type " + shown;
        return false;
    }
    Value* rows = arena.AllocateArray<Value>(value.size());
    std::transform(value.items().begin(), value.items().end(), rows,
                   [&](const Value& row) { return SelectRow(row, arena); });
    value = Value::Array({rows, value.size()});
    return true;
}

}  // namespace haumea::connect
