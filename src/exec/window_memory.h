#pragma once

#include <cstddef>
#include <string>

namespace haumea::exec {

// The bound of what the windows of one rule hold, in bytes as the system hands them out (rule option
// windowBytes). A part is for the rows that wait, the rest for what the rule makes of them when a window
// ends: first groups, then results. Owned by the rule's context; home loop only.
class WindowMemory {
  public:
    // `small_result`: results do not grow with the number of rows, so that most of the memory is for rows.
    WindowMemory(size_t limit, bool small_result)
        : limit_(limit), rows_limit_(limit / kParts * (small_result ? kParts - 2 : kParts / 2 - 1)) {}

    // Whether another row may be kept. The row that reaches the bound is the last.
    bool has_room() const noexcept { return rows_bytes_ < rows_limit_; }
    void Add(size_t bytes) noexcept { rows_bytes_ += bytes; }
    void Remove(size_t bytes) noexcept { rows_bytes_ -= bytes; }
    size_t rows_bytes() const noexcept { return rows_bytes_; }
    // For groups or, once they are formed, results of one window.
    size_t result_limit() const noexcept { return rows_bytes_ < limit_ ? limit_ - rows_bytes_ : 0; }

    // "windowBytes (256 MiB)", for error texts.
    std::string Name() const;

  private:
    static constexpr size_t kParts = 16;

    const size_t limit_;
    const size_t rows_limit_;
    size_t rows_bytes_ = 0;
};

}  // namespace haumea::exec
