#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace haumea {

// Room that is enough for every Write* function below.
inline constexpr size_t kMaxNumberText = 32;

// Decimal text of `value`; returns the number of bytes written to `out`.
size_t WriteInt(int64_t value, char* out) noexcept;

// A finite number as in JSON output: the shortest digits that read back as the same double, without a
// fraction for whole numbers, exponent form from 1e21 upwards and below 1e-6 (`1e+21`, `1e-7`), `-0` for
// negative zero. The caller deals with NaN and infinities, which JSON has not.
size_t WriteJsonNumber(double value, char* out) noexcept;

// The text that string functions see: as Go prints a float64 with %v. Shortest digits, exponent form with two
// digits at least (`1e+06`, `1e-05`) when the decimal exponent is below -4 or above 5; `NaN`, `+Inf`, `-Inf`.
size_t WriteGoFloat(double value, char* out) noexcept;

// Shortest digits without any exponent, however long: cast(x, "string"), delimited output.
void AppendPlainFloat(std::string& out, double value);

}  // namespace haumea
