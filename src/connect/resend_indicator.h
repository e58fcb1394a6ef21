#pragma once

#include <string>
#include <string_view>

#include "data/buffer.h"

namespace haumea::connect {

// Writes `json` to `out` with the member `field` set to true: in an object, or in every object of a list (and
// of lists in it, as batches have). Members keep their order, a new one goes where sorting puts it. False: it
// is no JSON of that shape, `out` is of no use. Any thread.
bool SetIndicator(std::string_view json, std::string_view field, BufferBuilder& out);

}  // namespace haumea::connect
