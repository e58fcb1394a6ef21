#include "codec/column_table.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <span>

#include "codec/schema_value.h"

namespace haumea::codec {

ColumnTable::ColumnTable(DecoderOptions options) : options_(std::move(options)) {
    const auto declared = [this](std::string_view name) -> const Column* {
        const auto found = std::find_if(options_.columns.begin(), options_.columns.end(),
                                        [name](const Column& column) { return column.name == name; });
        return found == options_.columns.end() ? nullptr : &*found;
    };
    const RowLayout& layout = *options_.layout;
    const size_t declared_count = layout.open() ? options_.columns.size() : 0;
    entries_.resize(std::bit_ceil((layout.size() + declared_count) * 2 + 2));
    mask_ = entries_.size() - 1;
    for (const std::string& key : layout.keys()) {
        AddTarget(key, declared(key));
    }
    if (layout.open()) {
        for (const Column& column : options_.columns) {
            if (layout.Find(column.name) == RowLayout::kNone) {
                rest_order_.push_back(static_cast<uint32_t>(targets_.size()));
                AddTarget(column.name, &column);
            }
        }
        std::sort(rest_order_.begin(), rest_order_.end(),
                  [this](uint32_t a, uint32_t b) { return names_[a] < names_[b]; });
    }
    if (!options_.timestamp_format.empty()) {
        // A bad pattern was refused with the statement; here it means: no pattern.
        if (auto pattern = TimePattern::Compile(options_.timestamp_format)) {
            time_pattern_ = std::make_unique<const TimePattern>(std::move(*pattern));
        }
    }
}

void ColumnTable::AddTarget(std::string_view name, const Column* column) {
    const auto target = static_cast<uint32_t>(targets_.size());
    targets_.push_back({target, column});
    names_.push_back(name);
    const uint64_t prefix = Prefix(name);
    size_t at = Hash(prefix, name.size());
    while (entries_[at & mask_].target != kEmpty) {
        ++at;
    }
    entries_[at & mask_] = {prefix, static_cast<uint32_t>(name.size()), target};
}

Value* ColumnTable::NewSlots(Arena& arena) const noexcept {
    Value* slots = arena.AllocateArray<Value>(targets_.size());
    std::uninitialized_fill_n(slots, targets_.size(), Value::Missing());
    return slots;
}

bool ColumnTable::Validate(Value* slots, Arena& arena, std::string& error) noexcept {
    for (const ColumnTarget& target : targets_) {
        if (target.column == nullptr) {
            continue;
        }
        Value& value = slots[target.slot];
        const Column& column = *target.column;
        if (value.is_missing()) {
            if (!column.has_default) {
                error = fmt::format("error in preprocessor: field {} is not found", column.name);
                return false;
            }
            value =
                column.default_value.is_string() ? Value::String(column.default_text) : column.default_value;
            continue;
        }
        if (!ToDeclared(value, column.type, time_pattern_.get(), arena, error)) {
            error = fmt::format("error in preprocessor: field {} type mismatch: {}", column.name, error);
            return false;
        }
    }
    return true;
}

bool ColumnTable::FinishRow(Value* slots, std::vector<Field>& others, Arena& arena, Row& row,
                            std::string& error) noexcept {
    if (options_.strict_validation && !schemaless() && !Validate(slots, arena, error)) {
        return false;
    }
    row.slots = slots;
    if (!rest_order_.empty()) {
        for (const uint32_t slot : rest_order_) {
            if (!slots[slot].is_missing()) {
                others.push_back({names_[slot], slots[slot]});
            }
        }
    } else if (others.size() > 1) {
        others.resize(SortFields(others));
    }
    if (!others.empty()) {
        Field* rest = arena.AllocateArray<Field>(others.size());
        std::copy(others.begin(), others.end(), rest);
        row.rest = {rest, others.size()};
    }
    return true;
}

bool ColumnTable::PickRow(const Value& object, Arena& arena, Row& row, std::string& error) noexcept {
    Value* slots = NewSlots(arena);
    picked_.clear();
    for (const Field& field : object.fields()) {
        if (const ColumnTarget* target = Find(field.key); target != nullptr) {
            slots[target->slot] = field.value;
        } else if (keeps_others()) {
            picked_.push_back(field);
        }
    }
    return FinishRow(slots, picked_, arena, row, error);
}

}  // namespace haumea::codec
