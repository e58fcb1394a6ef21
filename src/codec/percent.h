#pragma once

#include <optional>
#include <string_view>

#include "base/arena.h"
#include "data/buffer.h"

namespace haumea::codec {

// Form decoding (application/x-www-form-urlencoded): '+' is a space, %XX a byte. Empty when an escape is
// broken. A view of `text` when there is nothing to decode.
std::optional<std::string_view> PercentDecode(std::string_view text, Arena& arena);

// Form encoding: letters, digits and -_.~ stay, a space becomes '+', everything else %XX.
void PercentEncode(std::string_view text, BufferBuilder& out);

}  // namespace haumea::codec
