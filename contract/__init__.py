"""The agreement between home and cloud: vocabulary, lanes, topics, messages, envelope. Standard
library and msgspec only."""
