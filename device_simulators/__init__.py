"""Virtual homes, bridges, scenarios and faults: they speak MQTT, know nothing of edge or cloud."""
