#include "exec/project.h"

#include <fmt/format.h>

#include <algorithm>

#include "exec/tight.h"

namespace haumea::exec {
namespace {

constexpr std::string_view kMetaKey = "__meta";

}  // namespace

// Null and missing values are mostly left out. A shown null becomes kNull.
bool Project::IsShown(const plan::OutputField& field, Value& value) const noexcept {
    if (!value.is_null()) [[likely]] {
        return true;
    }
    const bool shown = (value.is_missing() ? field.keep_missing : field.keep_null || field.keep_missing);
    value = Value::Null();
    return shown;
}

size_t Project::AppendSorted(Field* out) noexcept {
    const plan::Projection& projection = context().plan.projection;
    size_t count = 0;
    for (const uint32_t index : projection.sorted) {
        Value value = values_[index];
        if (IsShown(projection.fields[index], value)) {
            out[count++] = {projection.fields[index].name, value};
        }
    }
    return count;
}

bool Project::BuildRow(Value& row) noexcept {
    const plan::Projection& projection = context().plan.projection;
    expr::EvalContext& ctx = eval();
    Arena& arena = context().arena;
    values_.resize(projection.fields.size());
    for (size_t i = 0; i < projection.fields.size(); ++i) {
        const plan::OutputField& field = projection.fields[i];
        values_[i] = field.node->Run(ctx);
        if (values_[i].is_error()) [[unlikely]] {
            Fail(field.error_prefix, values_[i]);
            return false;
        }
    }
    const size_t wild = projection.wildcard == nullptr ? 0 : MaxRowFields(*projection.wildcard, ctx);
    auto* fields = arena.AllocateArray<Field>(projection.fields.size() + wild + 1);
    size_t count = 0;
    if (projection.wildcard == nullptr) {
        count = AppendSorted(fields);
    } else {
        const Value error = AppendRowFields(*projection.wildcard, ctx, fields, count);
        if (error.is_error()) {
            Fail("run Select error: expr: * meet error, err:", error);
            return false;
        }
        for (size_t i = 0; i < projection.fields.size(); ++i) {
            if (IsShown(projection.fields[i], values_[i])) {
                expr::eval::InsertField(fields, count, projection.fields[i].name, values_[i]);
            }
        }
    }
    for (const plan::OutputField& field : projection.fields) {
        if (field.null_when_empty && ctx.group.empty()) {
            expr::eval::InsertField(fields, count, field.name, Value::Null());
        }
    }
    if (context().options.send_meta_to_sink && ctx.tuple != nullptr && ctx.tuple->meta != nullptr) {
        expr::eval::InsertField(fields, count, kMetaKey, *ctx.tuple->meta);
    }
    row = Value::Object({fields, count});
    return true;
}

void Project::ReportDropped(size_t rows) noexcept {
    stats().CountDropped(static_cast<int64_t>(rows));
    Fail(fmt::format(
        "the window has too many results: with them it takes more memory than {}, the last {} are "
        "dropped; use LIMIT, a shorter window, or raise the option",
        context().window_memory.Name(), rows));
}

bool Project::OnTuple(expr::Tuple&) noexcept {
    if (context().plan.limit == 0) {
        return false;
    }
    Value row;
    if (!BuildRow(row)) {
        return false;
    }
    context().results.OnResult({&row, 1}, ResultListener::From::kRows);
    return true;
}

bool Project::OnCollection(Collection& collection) noexcept {
    size_t count = collection.size();
    if (const auto limit = context().plan.limit; limit) {
        if (*limit == 0) {
            return false;
        }
        count = std::min(count, static_cast<size_t>(*limit));
    }
    ResizeTight(rows_, 0, count);
    // The actions make texts of the results before these are forgotten.
    size_t texts = rows_.capacity() * sizeof(Value);
    const size_t limit = context().arena.reserved_bytes() + context().window_memory.result_limit();
    for (size_t i = 0; i < count; ++i) {
        if (i > 0 && context().arena.reserved_bytes() + texts > limit) {
            ReportDropped(count - i);
            break;
        }
        collection.Enter(i, eval());
        Value row;
        if (!BuildRow(row)) {
            return false;
        }
        rows_.push_back(row);
        texts += TextBytes(row, context().window_memory.result_limit());
    }
    context().results.OnResult(
        rows_, collection.tuples.empty() ? ResultListener::From::kNothing : ResultListener::From::kRows);
    return true;
}

}  // namespace haumea::exec
