#pragma once

#include "connect/sink.h"
#include "store/message_log.h"

namespace haumea::connect {

// An action's message as a record of the message log, and back. The record has the form that is sent again
// (EncodedMessage::resent when there is one). Any thread.
store::LoggedMessage ToRecord(uint64_t seq, const EncodedMessage& message);
EncodedMessage FromRecord(store::LoggedMessage record);

}  // namespace haumea::connect
