import mqttPacket from "mqtt-packet";

/**
 * Writing its first packet, mqtt-packet would make a buffer of each of the 65,536 packet identifiers and keep them:
 * 8 MB in the broker's thread, and some 20 ms just when a first message is to be acknowledged.
 */
mqttPacket.writeToStream.cacheNumbers = false;
